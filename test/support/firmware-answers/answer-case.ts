/** A request of a device, and what it is to be answered; bodies in the form of each client. */
import { ORIGIN } from './zone.js';

/** A request, and its answer. */
export interface AnswerCase {
  readonly name: string;
  readonly store?: ReadonlyMap<string, string>;
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly https?: boolean;
  readonly certificate?: string;
  readonly status: number;
  /** The whole body; undefined where any line of text will do that is no manifest. */
  readonly body?: string;
  readonly file?: string;
  readonly md5?: string;
}

/** A case of a device with esp32FOTA, which asks for its manifest. */
export function manifest(name: string, query: string, body: string): AnswerCase {
  return { name, path: '/ota', query, status: 200, body };
}

export function esp32fota(type: string, version: string, digit: string): string {
  const sha256 = digit.repeat(64);
  return `{"type":"${type}","version":"${version}","url":"${ORIGIN}/blobs/${sha256}.bin","sha256":"${sha256}","size":1000000}`;
}

export function esphome(type: string, version: string, digit: string): string {
  return `{"name":"${type}","version":"${version}","builds":[{"chipFamily":"ESP32-S3","ota":{"path":"/blobs/${digit.repeat(64)}.bin","md5":"${digit.repeat(32)}"}}]}`;
}

/** What Arduino's HTTPUpdate sends of a device. */
export function updater(
  mac: string,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    'User-Agent': 'ESP32-http-Update',
    'x-ESP32-STA-MAC': mac.toUpperCase(),
    'x-ESP32-AP-MAC': mac.toUpperCase(),
    'x-ESP32-free-space': '1310720',
    'x-ESP32-sketch-size': '900000',
    'x-ESP32-sketch-md5': '0'.repeat(32),
    'x-ESP32-sketch-sha256': 'E'.repeat(64),
    'x-ESP32-chip-size': '4194304',
    'x-ESP32-sdk-version': 'v5.5.1',
    'x-ESP32-mode': 'sketch',
    ...more,
  };
}

export function blob(digit: string): { file: string; md5: string } {
  return { file: `/blobs/${digit.repeat(64)}.bin`, md5: digit.repeat(32) };
}

export const ESPHOME = { 'User-Agent': 'ESPHome/2026.10.0 (https://esphome.io)' };
