/** A device in the field: it asks for firmware, checks what it gets as its client library does, and boots it. */
import { type Answer, Connection, type Site } from './connection.js';
import { DeviceFailure } from './failure.js';
import { boot, type Firmware } from './firmware.js';

/** The client libraries that are simulated. */
type ClientKind = 'esp32FOTA' | 'esp_https_ota' | 'HTTPUpdate' | 'ESPHome';

export interface DeviceSpec {
  readonly site: Site;
  readonly type: string;
  /** Such as `24:6f:28:aa:bb:cc`. */
  readonly mac: string;
  readonly firmware: Firmware;
  /** What becomes of the device when it starts a firmware; default: it runs it. */
  readonly start?: (firmware: Firmware) => Start;
}

/**
 * `runs`: the device runs the firmware. `goes-back`: it cannot, and its boot loader starts what it ran before.
 * `dies`: it starts nothing, and never asks again.
 */
export type Start = 'runs' | 'goes-back' | 'dies';

/** An update that a device has downloaded, checked and started. */
export interface Update {
  readonly firmware: Firmware;
  readonly start: Start;
  /** Bytes of its download. */
  readonly bytes: number;
  /** The firmware server that sent the last of them, `''` where it has not said its name. */
  readonly server: string;
}

export abstract class Device {
  abstract readonly client: ClientKind;
  readonly type: string;
  readonly mac: string;
  readonly site: Site;
  /** What it runs. */
  firmware: Firmware;
  /** When its last question was answered, by `performance.now()`; a download may have followed. */
  answeredAt = 0;
  /** Whether it was told of something new last, which was taken back before it had fetched all of it. */
  wasTakenBack = false;
  readonly #start: (firmware: Firmware) => Start;

  constructor({ site, type, mac, firmware, start = () => 'runs' }: DeviceSpec) {
    this.site = site;
    this.type = type;
    this.mac = mac;
    this.firmware = firmware;
    this.#start = start;
  }

  /**
   * Asks once, and installs what it is to install. Resolves to undefined where there is nothing new, and rejects with
   * {@link DeviceFailure}; it then runs what it ran before.
   */
  async check(): Promise<Update | undefined> {
    this.wasTakenBack = false;
    const connection = await Connection.open(this.site);
    try {
      const download = await this.ask(connection).finally(() => {
        this.answeredAt = connection.answeredAt ?? this.answeredAt;
      });
      if (download === undefined) return undefined;
      const firmware = boot(download.image);
      const start = this.#start(firmware);
      if (start === 'runs') this.firmware = firmware;
      return { firmware, start, bytes: download.bytes, server: download.server };
    } finally {
      connection.close();
    }
  }

  /** Asks on a connection of its own, and downloads what there is to install. */
  protected abstract ask(connection: Connection): Promise<Download | undefined>;
}

/** A file that was downloaded and is as its client wants it. */
export interface Download {
  /** The bare image. */
  readonly image: Buffer;
  readonly bytes: number;
  readonly server: string;
}

/** The firmware server that gave an answer. Only the project's own say so: no client looks at it. */
export function serverOf(answer: Answer): string {
  return answer.header('X-Served-By') ?? '';
}

/** Reads a body; a failure names the server. */
export async function bodyOf(answer: Answer): Promise<Buffer> {
  try {
    return await answer.body();
  } catch (error) {
    if (error instanceof DeviceFailure) error.server = serverOf(answer);
    throw error;
  }
}

/** Rejects where the status is none of these. */
export function expectStatus(answer: Answer, target: string, ...expected: readonly number[]): void {
  if (expected.includes(answer.status)) return;
  throw new DeviceFailure('status', `${target.replace(/\?.*/, '')}: status ${answer.status}`);
}

/** The path of a URL at the site that the device asked: another one it would have to connect to, and trust. */
export function pathAt(site: Site, url: string): string {
  const { origin, pathname, search } = new URL(url, site.origin);
  if (origin !== new URL(site.origin).origin) throw new DeviceFailure('form', `a file elsewhere: ${url}`);
  return pathname + search;
}

/** Reads JSON as its clients do: what is none is no manifest. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new DeviceFailure('form', `no manifest: ${body.toString().slice(0, 100)}`, { cause: error });
  }
}
