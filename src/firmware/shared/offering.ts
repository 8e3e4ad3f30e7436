/** Which release a device may have. NGINX runs this as well: see version.ts for what njs lacks. */
import type { Catalogue, Offer } from './catalogue.js';
import * as catalogues from './catalogue.js';
import type { Digest } from './cohort.js';
import * as cohort from './cohort.js';

/** What NGINX keeps, and what it can work out. */
export interface Store {
  /** A value of the keyval zone. */
  get(key: string): string | undefined;
  digest: Digest;
}

/** The release that a device may have: the candidate where it is among the devices for it, else the stable one. */
export function offerTo(store: Store, type: string, catalogue: Catalogue, id: string): Offer | undefined {
  const candidate = catalogue.candidate;
  if (candidate === undefined) return catalogue.stable;
  return isChosen(store, type, catalogue, id) ? candidate : catalogue.stable;
}

/** Whether the candidate is for a device. A device without an id is in no group, and in no share but the whole. */
function isChosen(store: Store, type: string, catalogue: Catalogue, id: string): boolean {
  if (catalogue.buckets >= cohort.BUCKETS) return true;
  if (id === '') return false;
  if (catalogue.groups.length > 0 && isMember(store, type, catalogue.groups, id)) return true;
  return catalogue.buckets > 0 && cohort.bucketOf(catalogue.salt, id, store.digest) < catalogue.buckets;
}

function isMember(store: Store, type: string, groups: string[], id: string): boolean {
  const value = store.get(catalogues.memberKey(type, id));
  if (value === undefined) return false;
  const own = value.split(',');
  for (let i = 0; i < groups.length; i++) if (own.indexOf(groups[i] as string) >= 0) return true;
  return false;
}
