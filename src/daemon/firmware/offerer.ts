import { backoff } from '../../async/backoff.js';
import { sleep } from '../../async/sleep.js';
import { Wakeup } from '../../async/wakeup.js';
import { defined } from '../../core/defined.js';
import { messageOf } from '../../core/errors.js';
import type { KeyPrefixes } from '../../core/keys.js';
import type {
  KeyvalApi,
  Log,
  Meter,
  RegistryClient,
  RegistryReader,
  RegistrySnapshot,
  WallClock,
} from '../../core/ports.js';
import { announcementsOf } from '../../firmware/announcement.js';
import { areOutcomesAlone, firmwareRoot } from '../../firmware/keys.js';
import { type FirmwareServer, type Offering, offeringOf } from '../../firmware/offering.js';
import { acceptReleases, authenticNow, type ReleaseKeys } from '../../firmware/signature.js';
import { shareOf } from '../../firmware/slots.js';
import { readTypes, type TypeState } from '../../firmware/type-state.js';
import { type TypeStatus, typeStatuses } from '../../firmware/type-status.js';
import { announcedPrefixes, serversIn } from './announced.js';
import type { Announcer } from './announcer.js';
import type { AnnouncedTo } from './broker-link.js';
import { RejectedReleases } from './rejected-releases.js';
import { type Written, writeOffering } from './write-offering.js';

interface OffererOptions {
  readonly prefixes: KeyPrefixes;
  /** The service under which the firmware servers register. */
  readonly service: string;
  /** Where devices fetch files, such as `https://ota.example.com`: without a slash at its end. */
  readonly origin: string;
  /** Seconds over which devices are to spread their questions after an announcement; left out: see `spreadOf`. */
  readonly spread?: number | undefined;
}

/** One NGINX that answers devices. */
interface NamedKeyvalApi extends KeyvalApi {
  readonly name: string;
}

interface OffererPorts {
  readonly reader: RegistryReader;
  readonly store: Pick<RegistryClient, 'currentRevision'>;
  readonly nginx: readonly NamedKeyvalApi[];
  readonly log: Log;
  readonly meter: Meter;
  readonly wallClock: WallClock;
  /** The keys that releases are checked with, as they are now; undefined or left out: releases need no signature. */
  readonly releaseKeys?: () => ReleaseKeys | undefined;
  /** Announces what is offered, and says on which brokers; left out: nothing is announced. */
  readonly announcer?: Pick<Announcer, 'announce' | 'status'> | undefined;
  /** 0 to 1; default Math.random. */
  readonly random?: () => number;
}

/** What a watcher says of firmware on `/status`. Plain JSON. */
export interface OfferingStatus {
  /** The registered firmware servers that are not drained, with what they announce. */
  readonly servers: readonly FirmwareServer[];
  readonly types: readonly TypeStatus[];
  readonly nginx: readonly OfferedBy[];
  /** Where releases are announced; only with `firmware.push`. */
  readonly brokers?: readonly AnnouncedTo[];
}

/** Whether one NGINX offers devices what etcd says. */
interface OfferedBy {
  readonly nginx: string;
  /** `unserved`: its configuration has no keyval zone for firmware. */
  readonly state: 'pending' | 'in-sync' | 'unavailable' | 'unserved';
  /** Why it could not be told last. */
  readonly error?: string;
}

/** How often an NGINX is read although nothing has changed, in ms: one that restarted may have lost what it had. */
const RECHECK = 5_000;
const RETRY = { min: 250, max: 10_000 };
/** How often signatures are checked anew, in ms: one may have begun to count or have expired. */
const VALIDITY_RECHECK = 10_000;

/** Writes what devices are offered from etcd into every NGINX. An unavailable NGINX delays no other. */
export class Offerer {
  readonly #options: OffererOptions;
  readonly #ports: OffererPorts;
  readonly #writers: readonly Writer[];
  readonly #rejected: RejectedReleases;
  #snapshot: RegistrySnapshot | undefined;
  #known: Pick<OfferingStatus, 'servers' | 'types'> = { servers: [], types: [] };

  constructor(options: OffererOptions, ports: OffererPorts) {
    this.#options = options;
    this.#ports = ports;
    const sharing = () => Math.max(1, this.#writers.filter(({ isServing }) => isServing).length);
    this.#writers = ports.nginx.map((api) => new Writer(api, options.prefixes, { ...ports, sharing }));
    this.#rejected = new RejectedReleases(ports);
  }

  status(): OfferingStatus {
    const brokers = this.#ports.announcer?.status();
    return {
      ...this.#known,
      nginx: this.#writers.map(({ status }) => status),
      ...(brokers && { brokers }),
    };
  }

  /** Runs until the signal is aborted. While etcd is unavailable, every NGINX keeps what it has. */
  async run(signal: AbortSignal): Promise<void> {
    const { prefixes } = this.#options;
    const listener = {
      onSnapshot: (snapshot: RegistrySnapshot) =>
        this.#show(snapshot, !areOutcomesAlone(prefixes, snapshot.changed)),
      onUnavailable: () => {},
    };
    const watched = [firmwareRoot(prefixes), ...announcedPrefixes(this.#options)];
    await Promise.all([
      this.#ports.reader.watch(watched, listener, signal),
      ...this.#writers.map((writer) => writer.run(signal)),
      this.#followClock(signal),
    ]);
  }

  /** The keys that releases are checked with have changed. */
  releaseKeysChanged(): void {
    if (this.#snapshot !== undefined) this.#show(this.#snapshot);
  }

  /** Signatures begin to count and expire without a change in etcd. */
  async #followClock(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(VALIDITY_RECHECK, signal);
      if (!signal.aborted && this.#ports.releaseKeys?.() !== undefined) this.releaseKeysChanged();
    }
  }

  #types({ entries }: RegistrySnapshot): readonly TypeState[] {
    const types = [...readTypes(this.#options.prefixes, entries.values()).values()];
    const keys = this.#ports.releaseKeys?.();
    if (keys === undefined) return types;
    const check = authenticNow(keys, this.#ports.wallClock);
    return types.map((type) => acceptReleases(type, check));
  }

  /** @param isOffered Whether what devices are offered may have changed; otherwise only what is said of it has. */
  #show(snapshot: RegistrySnapshot, isOffered = true): void {
    this.#snapshot = snapshot;
    const { entries, revision } = snapshot;
    const { prefixes, origin, spread } = this.#options;
    const types = this.#types(snapshot);
    this.#rejected.report(types);
    const servers = serversIn(entries, this.#options);
    const offering = offeringOf({ prefixes, types, servers, origin, revision });
    const problems = offering?.problems ?? [];
    const now = this.#ports.wallClock();
    this.#known = { servers, types: typeStatuses({ prefixes, types, servers, problems, now }) };
    if (offering === undefined || !isOffered) return;
    for (const { type, reason } of offering.problems) {
      this.#ports.log.warn(
        { event: 'firmware-rejected', type, reason },
        'the firmware of a type cannot be offered',
      );
    }
    for (const writer of this.#writers) writer.offer(offering);
    const { slots } = offering;
    const statuses = this.#known.types;
    this.#ports.announcer?.announce(announcementsOf({ prefixes, types, statuses, slots, spread }));
  }
}

interface WriterPorts extends OffererPorts {
  /** How many NGINX answer devices with this one, itself included. */
  readonly sharing: () => number;
}

/** Keeps one NGINX in sync with the newest offering. */
class Writer {
  readonly #api: NamedKeyvalApi;
  readonly #currentRevision: (signal: AbortSignal) => Promise<number>;
  readonly #log: Log;
  readonly #sharing: () => number;
  readonly #random: (() => number) | undefined;
  readonly #wakeup = new Wakeup();
  #offering: Offering | undefined;
  #state: OfferedBy['state'] = 'pending';
  #error: string | undefined;
  #failures = 0;
  /** How many keys were written since NGINX last had everything. */
  #written = 0;

  constructor(api: NamedKeyvalApi, prefixes: KeyPrefixes, { store, log, random, sharing }: WriterPorts) {
    this.#api = api;
    this.#currentRevision = (signal) => store.currentRevision(firmwareRoot(prefixes), signal);
    this.#log = log;
    this.#sharing = sharing;
    this.#random = random;
  }

  /** Whether it answers devices, as far as is known. */
  get isServing(): boolean {
    return this.#state !== 'unserved';
  }

  get status(): OfferedBy {
    return defined({ nginx: this.#api.name, state: this.#state, error: this.#error });
  }

  offer(offering: Offering): void {
    this.#offering = offering;
    this.#wakeup.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause = this.#failures === 0 ? RECHECK : backoff(this.#failures, RETRY, this.#random);
      await this.#wakeup.wait(pause, signal);
      if (!signal.aborted && this.#offering !== undefined) await this.#write(this.#offering, signal);
    }
  }

  async #write(offering: Offering, signal: AbortSignal): Promise<void> {
    try {
      // Each NGINX of this watcher gets its share of what the firmware servers carry.
      const slots = shareOf(offering.slots, this.#sharing());
      const options = {
        currentRevision: this.#currentRevision,
        isOutdated: () => this.#offering !== offering,
      };
      const result = await writeOffering(this.#api, { ...offering, slots }, options, signal);
      this.#failures = 0;
      this.#error = undefined;
      if (result === 'no-zone') this.#state = 'unserved';
      else this.#wrote(result, offering);
    } catch (error) {
      if (signal.aborted) return;
      this.#error = messageOf(error);
      if (this.#failures++ === 0) {
        const fields = { event: 'firmware-offer-failed', nginx: this.#api.name, reason: this.#error };
        this.#log.warn(fields, 'what devices are offered cannot be written to NGINX; retrying');
      }
      this.#state = 'unavailable';
    }
  }

  #wrote({ written, isComplete }: Written, { revision }: Offering): void {
    this.#written += written;
    this.#state = isComplete ? 'in-sync' : 'pending';
    if (!isComplete || this.#written === 0) return;
    const fields = { event: 'firmware-offered', nginx: this.#api.name, keys: this.#written, revision };
    this.#written = 0;
    this.#log.info(fields, 'NGINX has what devices are offered');
  }
}
