/** Many devices that ask again and again, and a referee who knows what each of them may be given. */
import type { Device, Start, Update } from './device.js';
import { DeviceFailure } from './failure.js';
import type { Firmware } from './firmware.js';

const TICK_MS = 20;
/** A fleet of 10,000 devices takes a minute where nothing is in its way, and ten where the machine is busy. */
const ROUND_TIMEOUT_MS = 900_000;

/** The versions that a device may be given. */
export type Rule = (device: Device) => readonly string[];

interface FleetOptions {
  /** How many devices ask in a second. */
  readonly checksPerSecond: number;
  /** How many do so at a time; default 64. */
  readonly atATime?: number;
  /** Whether a failure is a consequence of what was broken on purpose; default none is. */
  readonly isExpected?: (failure: DeviceFailure) => boolean;
  /** Whether a device asks again as soon as it has started a firmware, as most do; default it waits for its turn. */
  readonly asksAfterStart?: boolean;
  /** Told of every question that was answered, and of the update that came of it. */
  readonly checked?: (device: Device, update: Update | undefined) => void;
}

/** Somebody who waits for every device to ask. */
interface Waiting {
  readonly since: number;
  readonly devices: Set<Device>;
  readonly done: () => void;
}

export class Fleet {
  readonly devices: readonly Device[];
  /** How often a device asked, with whatever result. */
  checks = 0;
  updates = 0;
  /** Of each version the devices that have downloaded it whole, and what became of them when they last started it. */
  readonly started = new Map<string, Map<Device, Start>>();
  /** Bytes of all updates. */
  bytes = 0;
  /** Updates by the server that sent them. */
  readonly servedBy = new Map<string, number>();
  /** What went wrong, by what it was. */
  readonly failures = new Map<string, number>();
  /** Failures that were to be expected, by what they were. */
  readonly expectedFailures = new Map<string, number>();
  readonly #options: FleetOptions;
  readonly #published = new Map<string, Firmware>();
  readonly #busy = new Map<Device, Promise<void>>();
  /** Devices that failed, or have just started: they ask again before the others do. */
  readonly #again: Device[] = [];
  /** Devices that never ask again. */
  readonly #dead = new Set<Device>();
  readonly #waiting = new Set<Waiting>();
  #rule: Rule = () => [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(devices: readonly Device[], options: FleetOptions) {
    this.devices = devices;
    this.#options = options;
  }

  /** Tells the referee what the bytes of a version are. */
  know(firmware: Firmware): void {
    this.#published.set(firmware.version, firmware);
  }

  /** From now on devices may be given these versions. One that is asking now may still be given what it could have before. */
  allow(rule: Rule): void {
    this.#rule = rule;
  }

  start(): void {
    const { checksPerSecond, atATime = 64 } = this.#options;
    const begun = performance.now();
    let launched = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - begun) / 1000) * checksPerSecond;
      for (; launched < due; launched++) if (this.#busy.size < atATime) this.#launch();
    }, TICK_MS);
  }

  /** No device asks any more; resolves when those that do have ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#busy.values());
  }

  /** Resolves once every device that still asks has asked anew, from now on, and has not failed. */
  async round(): Promise<void> {
    const devices = new Set(this.devices.filter((device) => !this.#dead.has(device)));
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(new Error(`${devices.size} of ${this.devices.length} devices got no answer`));
      }, ROUND_TIMEOUT_MS);
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        resolve();
      };
      const waiting = { since: performance.now(), devices, done };
      this.#waiting.add(waiting);
    });
  }

  /** How many devices run each version. */
  running(): ReadonlyMap<string, number> {
    const versions = new Map<string, number>();
    for (const { firmware } of this.devices) add(versions, firmware.version);
    return versions;
  }

  /** How many failures there were that nothing explains. */
  failed(): number {
    return sum(this.failures);
  }

  #launch(): void {
    const device = this.#again.shift() ?? this.devices[this.#next++ % this.devices.length];
    if (device === undefined || this.#busy.has(device) || this.#dead.has(device)) return;
    const work = this.#check(device).finally(() => this.#busy.delete(device));
    this.#busy.set(device, work);
  }

  async #check(device: Device): Promise<void> {
    const begun = performance.now();
    const allowedBefore = this.#rule(device);
    this.checks++;
    try {
      const update = await device.check();
      this.#options.checked?.(device, update);
      if (update) this.#judge(device, update, [...allowedBefore, ...this.#rule(device)]);
      this.#tellWaiting(device, begun);
    } catch (error) {
      if (!(error instanceof DeviceFailure)) throw error;
      const expected = this.#options.isExpected?.(error) ?? false;
      const what = `${device.client}: ${error.message.replace(/\d+ of \d+/, 'some')}`;
      add(expected ? this.expectedFailures : this.failures, what);
      this.#again.push(device);
    }
  }

  #judge(device: Device, { firmware, start, bytes, server }: Update, allowed: readonly string[]): void {
    this.updates++;
    const started = this.started.get(firmware.version) ?? new Map<Device, Start>();
    this.started.set(firmware.version, started.set(device, start));
    if (start === 'dies') this.#dead.add(device);
    else if (this.#options.asksAfterStart) this.#again.push(device);
    this.bytes += bytes;
    add(this.servedBy, server);
    const { version, sha256 } = firmware;
    if (!allowed.includes(version)) add(this.failures, `${version} for a device that must not have it`);
    if (sha256 !== this.#published.get(version)?.sha256) add(this.failures, `other bytes than ${version}`);
  }

  #tellWaiting(device: Device, begun: number): void {
    for (const { since, devices, done } of this.#waiting) {
      if (begun < since || !devices.delete(device)) continue;
      if (devices.size === 0) done();
    }
  }
}

function add(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

function sum(map: ReadonlyMap<string, number>): number {
  return [...map.values()].reduce((total, value) => total + value, 0);
}
