/** Simulated devices, and a fleet of them. */
import type { KeyObject } from 'node:crypto';
import type { Site } from './connection.js';
import type { Device, DeviceSpec, Start } from './device.js';
import { EspHttpsOta } from './esp-https-ota.js';
import { Esp32Fota } from './esp32-fota.js';
import { EspHome } from './esphome.js';
import type { Firmware } from './firmware.js';
import { HttpUpdate } from './http-update.js';

export { Site } from './connection.js';
export { Device, type Start, type Update } from './device.js';
export type { DeviceFailure } from './failure.js';
export { boot, type Firmware } from './firmware.js';
export { Fleet, type Rule } from './fleet.js';
export { Esp32Fota, EspHome, EspHttpsOta, HttpUpdate };

interface ManySpec {
  /** Where they ask: each device at one of these, always at the same. */
  readonly sites: readonly Site[];
  readonly type: string;
  readonly count: number;
  /** What they run. */
  readonly firmware: Firmware;
  /** The key that those with esp32FOTA check signatures with. */
  readonly publicKey: KeyObject;
  /** What becomes of each device, by its number, when it starts a firmware; default: it runs it. */
  readonly start?: (number: number, firmware: Firmware) => Start;
}

/** What ESP-IDF asks for at a time unless it is told otherwise, in bytes. */
const PIECE = 65_536;

/** Devices of all kinds in turn, with consecutive MAC addresses, as those of one production batch. */
export function manyDevices({ sites, count, publicKey, start, ...common }: ManySpec): Device[] {
  const kinds: readonly ((spec: DeviceSpec) => Device)[] = [
    (spec) => new Esp32Fota({ ...spec, publicKey }),
    (spec) => new EspHttpsOta(spec),
    (spec) => new HttpUpdate(spec),
    (spec) => new EspHome(spec),
    (spec) => new Esp32Fota({ ...spec, publicKey }),
    (spec) => new EspHttpsOta({ ...spec, pieces: PIECE }),
    (spec) => new HttpUpdate(spec),
    (spec) => new EspHome(spec),
  ];
  return Array.from({ length: count }, (_, i) => {
    const make = kinds[i % kinds.length] as (spec: DeviceSpec) => Device;
    // Not by its kind, of which each gateway is to meet all.
    const site = sites[Math.floor(i / kinds.length) % sites.length] as Site;
    return make({
      ...common,
      site,
      mac: macOf(i),
      ...(start && { start: (firmware) => start(i, firmware) }),
    });
  });
}

/** The MAC address of a device by its number. */
function macOf(number: number): string {
  const last = [number >> 16, number >> 8, number].map((byte) => (byte & 0xff).toString(16).padStart(2, '0'));
  return ['24:6f:28', ...last].join(':');
}
