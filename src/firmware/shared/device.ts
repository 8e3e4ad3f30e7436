/** Who asks, and what it runs. NGINX runs this as well: see version.ts for what njs lacks. */
import type { Offer } from './catalogue.js';
import * as deviceId from './device-id.js';
import type { Query } from './query.js';
import type { Version } from './version.js';
import * as versions from './version.js';

/** A device as its request shows it; `''` stands for what it does not say. */
export interface Device {
  /** In its normal spelling. */
  id: string;
  /** The version that it says it runs. */
  version: string;
  /** Of the image that it runs, in lower-case hex; HTTPUpdate sends them. */
  sha256: string;
  md5: string;
  /** Bytes that an image may have; -1 where it does not say. */
  space: number;
  /** Whether it wants its file system's image, which is no firmware. */
  fileSystem: boolean;
}

/** How a request reads a header; undefined where it is not there. */
export type Header = (name: string) => string | undefined;

/** What the clients' own headers begin with. Source: arduino-esp32, libraries/HTTPUpdate; ESP8266httpUpdate. */
const PREFIXES = ['x-ESP32-', 'x-ESP8266-'];

/** The prefix of the headers that HTTPUpdate sends; `''` where the client is another. */
export function updaterPrefix(header: Header): string {
  for (let i = 0; i < PREFIXES.length; i++) {
    const prefix = PREFIXES[i] as string;
    if (header(`${prefix}STA-MAC`) !== undefined || header(`${prefix}free-space`) !== undefined)
      return prefix;
  }
  return '';
}

/**
 * Reads who asks. With a client certificate the id is its name, and to claim another one is forbidden. A MAC address in
 * HTTPUpdate's headers is the id of a device that states none.
 */
export function identify(
  query: Query,
  certificate: string,
  header: Header,
  prefix: string,
): Device | 'malformed' | 'forbidden' {
  const claimed = query.id === '' ? '' : deviceId.normalize(query.id);
  if (claimed === undefined) return 'malformed';
  const named = certificate === '' ? '' : deviceId.normalize(certificate);
  if (named === undefined || (named !== '' && claimed !== '' && named !== claimed)) return 'forbidden';
  const id = named || claimed;
  if (prefix === '')
    return { id: id, version: query.version, sha256: '', md5: '', space: -1, fileSystem: false };
  const sent = (name: string) => header(prefix + name) || '';
  return {
    id: id || deviceId.normalize(sent('STA-MAC')) || '',
    version: query.version || sent('version'),
    sha256: sent('sketch-sha256').toLowerCase(),
    md5: sent('sketch-md5').toLowerCase(),
    space: sent('free-space') === '' ? -1 : Number(sent('free-space')),
    fileSystem: sent('mode') !== '' && sent('mode') !== 'sketch',
  };
}

/** Whether the device runs the very image of a release, by its hashes. */
function runsImage(device: Device, offer: Offer): boolean {
  if (device.sha256 !== '' && device.sha256 === offer.appSha256) return true;
  return device.md5 !== '' && device.md5 === offer.md5;
}

/** Whether the device runs a release, by its hashes or by the version that it says. */
export function runs(device: Device, offer: Offer | undefined): boolean {
  if (offer === undefined) return false;
  return runsImage(device, offer) || (device.version !== '' && sameVersion(device.version, offer.version));
}

/** Whether two versions are the same, in any spelling. */
export function sameVersion(a: string, b: string): boolean {
  if (a === b) return true;
  const one = versions.parse(a);
  const other = versions.parse(b);
  return one !== undefined && other !== undefined && versions.compare(one, other) === 0;
}

/**
 * Whether the device runs what comes after a release. `others` are the releases by whose hashes it may be known; a version
 * that cannot be read is before everything.
 */
export function runsNewer(device: Device, offer: Offer, others: (Offer | undefined)[]): boolean {
  if (!saysHash(device) && (device.version === '' || device.version === offer.version)) return false;
  const offered = versions.parse(offer.version);
  const own = versionOf(device, others);
  return own !== undefined && offered !== undefined && versions.compare(own, offered) > 0;
}

/** Whether the device says which image it runs. */
export function saysHash(device: Device): boolean {
  return device.sha256 !== '' || device.md5 !== '';
}

/**
 * The version that the device runs: by the hashes of one of these releases, else by what it says. Undefined where that
 * cannot be read.
 */
export function versionOf(device: Device, releases: (Offer | undefined)[]): Version | undefined {
  let own = versions.parse(device.version);
  for (let i = 0; i < releases.length; i++) {
    const release = releases[i];
    if (release !== undefined && runsImage(device, release)) own = versions.parse(release.version);
  }
  return own;
}
