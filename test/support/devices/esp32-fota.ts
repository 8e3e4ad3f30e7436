/**
 * A device with esp32FOTA. Source: esp32FOTA, src/esp32FOTA.cpp and src/semver/semver.c; its HTTP client is arduino-esp32's.
 * It never resumes, reads the raw socket, compares versions itself, and keeps the connection from the manifest to the file.
 */
import { type KeyObject, verify } from 'node:crypto';
import type { Connection } from './connection.js';
import {
  bodyOf,
  Device,
  type DeviceSpec,
  type Download,
  expectStatus,
  parseJson,
  pathAt,
  serverOf,
} from './device.js';
import { DeviceFailure } from './failure.js';

const HEADERS = {
  'User-Agent': 'ESP32HTTPClient',
  Connection: 'keep-alive',
  'Accept-Encoding': 'identity;q=1,chunked;q=0.1,*;q=0',
};

/** 200, and 301, whose body it takes for the answer. */
const GOOD = [200, 301];

interface Esp32FotaSpec extends DeviceSpec {
  /** The key that signatures are checked with; without one, files have none. */
  readonly publicKey?: KeyObject;
}

export class Esp32Fota extends Device {
  readonly client = 'esp32FOTA';
  readonly #publicKey: KeyObject | undefined;

  constructor(spec: Esp32FotaSpec) {
    super(spec);
    this.#publicKey = spec.publicKey;
  }

  protected async ask(connection: Connection): Promise<Download | undefined> {
    const id = decimalId(this.mac);
    const target = `/ota?type=${this.type}&version=${this.firmware.version}&id=${id}`;
    const answer = await connection.request({ target, headers: HEADERS });
    expectStatus(answer, target, ...GOOD);
    const url = chooseUrl(parseJson(await bodyOf(answer)), this.type, this.firmware.version);
    return url === undefined ? undefined : this.#download(connection, pathAt(this.site, url));
  }

  async #download(connection: Connection, target: string): Promise<Download> {
    const answer = await connection.request({ target, headers: HEADERS });
    expectStatus(answer, target, ...GOOD);
    if (answer.length === 0) throw new DeviceFailure('form', 'a file without content');
    const file = await bodyOf(answer);
    return { image: this.#checked(file), bytes: file.length, server: serverOf(answer) };
  }

  /** The image behind the signature, which is PKCS #1 v1.5 over its SHA-256 and as long as the key. */
  #checked(file: Buffer): Buffer {
    if (this.#publicKey === undefined) return file;
    const length = (this.#publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
    const image = file.subarray(length);
    if (verify('sha256', image, this.#publicKey, file.subarray(0, length))) return image;
    throw new DeviceFailure('content', 'the signature is not that of the image');
  }
}

/** `useDeviceId(true)`: the bytes of the MAC address as a number, the first one lowest. */
export function decimalId(mac: string): string {
  const bytes = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  return String(bytes.reduceRight((number, byte) => number * 256 + byte, 0));
}

/** The URL of the first entry of its type that is newer, be there newer ones behind it. */
export function chooseUrl(manifest: unknown, type: string, own: string): string | undefined {
  const entries: readonly unknown[] = Array.isArray(manifest) ? manifest : [manifest];
  for (const entry of entries) {
    const { type: named, version, url } = fields(entry);
    if (typeof named !== 'string') {
      throw new DeviceFailure('form', 'an entry without a type: the device crashes');
    }
    if (named !== type || compare(parseVersion(version), parseVersion(own)) <= 0) continue;
    if (typeof url === 'string') return url;
  }
  return undefined;
}

function fields(entry: unknown): Record<string, unknown> {
  return typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : {};
}

/** A number is the major version; of dotted numbers the first three count; all else is 0.0.0. */
function parseVersion(version: unknown): readonly number[] {
  if (typeof version === 'number') return [version & 0xffff, 0, 0];
  if (typeof version !== 'string' || !/^\d{1,50}(\.\d{1,50}){0,3}$/.test(version)) return [0, 0, 0];
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return [major, minor, patch];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((part, i) => part !== b[i]);
  return differs < 0 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0);
}
