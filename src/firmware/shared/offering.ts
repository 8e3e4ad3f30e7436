/** Which release a device may have. NGINX runs this as well: see version.ts for what njs lacks. */
import type { Catalogue, Offer } from './catalogue.js';
import * as catalogues from './catalogue.js';
import type { Digest } from './cohort.js';
import * as cohort from './cohort.js';
import type { Device } from './device.js';
import * as devices from './device.js';
import type { Memory } from './memory.js';
import type { Version } from './version.js';
import * as versions from './version.js';

/** What NGINX keeps, and what it can work out. */
export interface Store {
  /** A value of the keyval zone. */
  get(key: string): string | undefined;
  digest: Digest;
  /** Undefined where nothing is counted. */
  memory: Memory | undefined;
}

/**
 * The release that a device may have next: on its way to the candidate where it is among the devices for it, else to the
 * stable release. Undefined where there is none for it.
 * @param isBarred Whether the candidate is not for this device, whatever else is true of it.
 */
export function offerTo(
  store: Store,
  type: string,
  catalogue: Catalogue,
  device: Device,
  isBarred: boolean,
): Offer | undefined {
  const candidate = catalogue.candidate;
  const target =
    candidate !== undefined && !isBarred && isChosen(store, type, catalogue, device)
      ? candidate
      : catalogue.stable;
  if (target === undefined) return undefined;
  const options = catalogue.options;
  const from = target === candidate ? options.from : options.stableFrom;
  if (options.via.length === 0 && from === '') return target;
  return nextOnTheWay(store, type, catalogue, device, target, from);
}

/**
 * Whether the candidate is for a device. A device without an id is in no group, and in no share but the whole; to be
 * rescued, it has to say what it runs.
 */
function isChosen(store: Store, type: string, catalogue: Catalogue, device: Device): boolean {
  if (catalogue.buckets >= cohort.BUCKETS) return true;
  if (catalogue.options.rescue.length > 0 && isRescued(catalogue, device)) return true;
  const id = device.id;
  if (id === '') return false;
  if (catalogue.groups.length > 0 && isMember(store, type, catalogue.groups, id)) return true;
  return catalogue.buckets > 0 && cohort.bucketOf(catalogue.salt, id, store.digest) < catalogue.buckets;
}

/** Whether a device runs a release that the candidate is to rescue it from. */
function isRescued(catalogue: Catalogue, device: Device): boolean {
  const stable = catalogue.stable;
  const rescue = catalogue.options.rescue;
  for (let i = 0; i < rescue.length; i++) {
    const version = rescue[i] as string;
    if (device.version !== '' && devices.sameVersion(device.version, version)) return true;
    if (stable !== undefined && devices.sameVersion(stable.version, version) && devices.runs(device, stable))
      return true;
  }
  return false;
}

function isMember(store: Store, type: string, groups: string[], id: string): boolean {
  const value = store.get(catalogues.memberKey(type, id));
  if (value === undefined) return false;
  const own = value.split(',');
  for (let i = 0; i < groups.length; i++) if (own.indexOf(groups[i] as string) >= 0) return true;
  return false;
}

/**
 * What brings a device to its target: the lowest release that it has to pass, or the target itself. `from` is the lowest
 * version that the way begins with. A device that does not say what it runs is told of the target only where nothing has
 * to be passed; and while a release that has to be passed is not there, of nothing.
 */
function nextOnTheWay(
  store: Store,
  type: string,
  catalogue: Catalogue,
  device: Device,
  target: Offer,
  from: string,
): Offer | undefined {
  const end = versions.parse(target.version);
  if (end === undefined || devices.runs(device, target)) return target;
  const stones = stonesBelow(catalogue.options.via, end);
  const own = devices.versionOf(device, knownReleases(store, type, catalogue, device));
  if (own === undefined) return from === '' && stones.length === 0 ? target : undefined;
  if (versions.compare(own, end) >= 0) return target;
  const begin = versions.parse(from);
  if (begin !== undefined && versions.compare(own, begin) < 0) return undefined;
  for (let i = 0; i < stones.length; i++) {
    const stone = versions.parse(stones[i] as string);
    if (stone !== undefined && versions.compare(own, stone) < 0)
      return stoneOf(store, type, stones[i] as string);
  }
  return target;
}

/** The releases that have to be passed on the way to a version. */
function stonesBelow(via: string[], end: Version): string[] {
  return via.filter((text) => {
    const stone = versions.parse(text);
    return stone !== undefined && versions.compare(stone, end) < 0;
  });
}

function stoneOf(store: Store, type: string, version: string): Offer | undefined {
  const value = store.get(catalogues.stoneKey(type, version));
  const stone = value === undefined ? undefined : catalogues.decodeStone(value);
  return stone !== undefined && devices.sameVersion(stone.version, version) ? stone : undefined;
}

/** The releases by whose hashes a device may be known. Those on the way matter where it says no version. */
function knownReleases(
  store: Store,
  type: string,
  catalogue: Catalogue,
  device: Device,
): (Offer | undefined)[] {
  const releases = [catalogue.stable, catalogue.candidate];
  if (device.version !== '' || !devices.saysHash(device)) return releases;
  return releases.concat(catalogue.options.via.map((version) => stoneOf(store, type, version)));
}
