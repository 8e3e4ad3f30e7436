/**
 * A device with ESP-IDF's esp_https_ota at `/ota/image`. Source: esp-idf, components/esp_https_ota/src/esp_https_ota.c.
 * With `ota_resumption` it always asks for a range, and goes on where a download broke off; with `partial_http_download` it
 * asks for the length with HEAD, and then for one piece after the other.
 */
import type { Answer, Connection } from './connection.js';
import { bodyOf, Device, type DeviceSpec, type Download, expectStatus, serverOf } from './device.js';
import { BrokenOff, DeviceFailure } from './failure.js';
import { chipOf } from './firmware.js';

const HEADERS = { 'User-Agent': 'ESP32 HTTP Client/1.0' };

interface EspHttpsOtaSpec extends DeviceSpec {
  /** `max_http_request_size` of a partial download, in bytes; without it, downloads are resumed. */
  readonly pieces?: number;
}

export class EspHttpsOta extends Device {
  readonly client = 'esp_https_ota';
  readonly #pieces: number | undefined;
  /** What an earlier download got before it broke off. */
  #written = Buffer.alloc(0);
  /** Downloads that were gone on with. */
  resumed = 0;

  constructor(spec: EspHttpsOtaSpec) {
    super(spec);
    this.#pieces = spec.pieces;
  }

  get #target(): string {
    return `/ota/image?type=${this.type}&id=${this.mac}&version=${this.firmware.version}`;
  }

  protected async ask(connection: Connection): Promise<Download | undefined> {
    const download = this.#pieces
      ? await this.#inPieces(connection, this.#pieces)
      : await this.#resuming(connection);
    if (download && chipOf(download.image) !== chipOf(this.firmware.image)) {
      throw new DeviceFailure('content', 'mismatch chip ID');
    }
    return download;
  }

  async #resuming(connection: Connection): Promise<Download | undefined> {
    const from = this.#written.length;
    const answer = await this.#request(connection, `bytes=${from}-`);
    // What it has is not the beginning of what there is now.
    if (answer.status === 416) {
      await answer.body();
      this.#written = Buffer.alloc(0);
      return this.#resuming(connection);
    }
    if (answer.status === 304) return undefined;
    expectStatus(answer, this.#target, 200, 206);
    // 200 is the whole file from its beginning.
    if (answer.status === 200) this.#written = Buffer.alloc(0);
    else if (from > 0) this.resumed++;
    try {
      const image = Buffer.concat([this.#written, await bodyOf(answer)]);
      this.#written = Buffer.alloc(0);
      return { image, bytes: answer.length, server: serverOf(answer) };
    } catch (error) {
      if (error instanceof BrokenOff) this.#written = Buffer.concat([this.#written, error.received]);
      throw error;
    }
  }

  async #inPieces(connection: Connection, size: number): Promise<Download | undefined> {
    const head = await connection.request({ method: 'HEAD', target: this.#target, headers: HEADERS });
    if (head.status === 304) return undefined;
    expectStatus(head, this.#target, 200);
    const pieces: Buffer[] = [];
    let server = '';
    for (let from = 0; from < head.length; from += size) {
      const isLast = from + size >= head.length;
      const answer = await this.#request(connection, `bytes=${from}-${isLast ? '' : from + size - 1}`);
      if (answer.status === 304) {
        this.wasTakenBack = true;
        return undefined;
      }
      expectStatus(answer, this.#target, 206);
      pieces.push(await bodyOf(answer));
      server = serverOf(answer);
    }
    const image = Buffer.concat(pieces);
    return { image, bytes: image.length, server };
  }

  #request(connection: Connection, range: string): Promise<Answer> {
    return connection.request({ target: this.#target, headers: { ...HEADERS, Range: range } });
  }
}
