/**
 * A device with ESPHome's `update: http_request`, whose owner installs what it shows. Source: esphome,
 * components/http_request/update/http_request_update.cpp and components/http_request/ota. Any other version than its own is
 * an update, be it an older one.
 */
import type { Connection } from './connection.js';
import { bodyOf, Device, type Download, expectStatus, parseJson, pathAt, serverOf } from './device.js';
import { DeviceFailure } from './failure.js';
import { digest } from './firmware.js';

const HEADERS = { 'User-Agent': 'ESPHome/2026.10.0 (https://esphome.io)', Connection: 'keep-alive' };
const CHIP_FAMILY = 'ESP32';

interface Manifest {
  readonly version?: string;
  readonly builds?: readonly {
    readonly chipFamily?: string;
    readonly ota?: { readonly path?: string; readonly md5?: string };
  }[];
}

export class EspHome extends Device {
  readonly client = 'ESPHome';

  protected async ask(connection: Connection): Promise<Download | undefined> {
    const target = `/ota/${this.type}/manifest.json?id=${this.mac}&version=${this.firmware.version}`;
    const answer = await connection.request({ target, headers: HEADERS });
    expectStatus(answer, target, 200);
    const { version, builds = [] } = parseJson(await bodyOf(answer)) as Manifest;
    const ota = builds.find(({ chipFamily }) => chipFamily === CHIP_FAMILY)?.ota;
    if (version === undefined || ota?.path === undefined || ota.md5 === undefined) {
      throw new DeviceFailure('form', 'the manifest is not complete');
    }
    if (version === this.firmware.version) return undefined;
    return download(connection, pathAt(this.site, new URL(ota.path, this.#manifestUrl).href), ota.md5);
  }

  /** What the path of a file is relative to. */
  get #manifestUrl(): string {
    return `${this.site.origin}/ota/${this.type}/manifest.json`;
  }
}

async function download(connection: Connection, target: string, md5: string): Promise<Download> {
  const answer = await connection.request({ target, headers: HEADERS });
  expectStatus(answer, target, 200);
  const image = await bodyOf(answer);
  if (digest('md5', image) !== md5) {
    throw new DeviceFailure('content', "the MD5 is another one than the manifest's");
  }
  return { image, bytes: image.length, server: serverOf(answer) };
}
