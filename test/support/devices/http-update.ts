/**
 * A device with Arduino's HTTPUpdate. Source: arduino-esp32, libraries/HTTPUpdate/src/HTTPUpdate.cpp. It asks for the file
 * itself, over HTTP/1.0, and the server decides: 304 is nothing new, and whatever comes with 200 is installed.
 */
import type { Connection } from './connection.js';
import { bodyOf, Device, type Download, expectStatus, serverOf } from './device.js';
import { DeviceFailure } from './failure.js';
import { digest } from './firmware.js';

/** Bytes of the slot that the image has to fit into. */
const FREE_SPACE = 1_310_720;

export class HttpUpdate extends Device {
  readonly client = 'HTTPUpdate';

  protected async ask(connection: Connection): Promise<Download | undefined> {
    const target = `/ota?type=${this.type}`;
    const answer = await connection.request({ target, version: '1.0', headers: this.#headers() });
    if (answer.status === 304) return undefined;
    expectStatus(answer, target, 200);
    if (answer.length === 0 || answer.length > FREE_SPACE) {
      throw new DeviceFailure('content', `a file of ${answer.length} bytes for a slot of ${FREE_SPACE}`);
    }
    const image = await bodyOf(answer);
    const md5 = answer.header('x-MD5');
    if (md5 !== undefined && md5 !== digest('md5', image)) {
      throw new DeviceFailure('content', 'the MD5 is another one than x-MD5');
    }
    return { image, bytes: image.length, server: serverOf(answer) };
  }

  #headers(): Record<string, string> {
    const { image, md5, appSha256, version } = this.firmware;
    return {
      'User-Agent': 'ESP32-http-Update',
      Connection: 'close',
      'Cache-Control': 'no-cache',
      'x-ESP32-STA-MAC': this.mac.toUpperCase(),
      'x-ESP32-AP-MAC': this.mac.toUpperCase(),
      'x-ESP32-free-space': String(FREE_SPACE),
      'x-ESP32-sketch-size': String(image.length),
      'x-ESP32-sketch-md5': md5,
      'x-ESP32-sketch-sha256': appSha256.toUpperCase(),
      'x-ESP32-chip-size': '4194304',
      'x-ESP32-sdk-version': 'v5.5.1',
      'x-ESP32-mode': 'sketch',
      'x-ESP32-version': version,
    };
  }
}
