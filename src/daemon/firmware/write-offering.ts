import type { KeyvalApi } from '../../core/ports.js';
import type { Offering } from '../../firmware/offering.js';
import {
  READY_KEY,
  regionSlotsKey,
  revisionOf,
  SLOTS_KEY,
  withoutRevision,
  ZONE,
} from '../../firmware/shared/catalogue.js';
import type { Slots } from '../../firmware/slots.js';

/** What writing an offering to one NGINX came to. */
type WriteResult =
  /** How many keys were set or removed; 0 where NGINX had all of it. */
  | { readonly written: number }
  /** NGINX has no zone for firmware: its configuration serves none. */
  | 'no-zone';

/**
 * Makes the keyval zone of one NGINX what the offering says. A type's value with a higher revision stays, since another
 * watcher that has read more of etcd wrote it, unless etcd has not come that far: then it was restored or set up anew,
 * and the value comes from before that. A value that differs in nothing but its revision stays too. Members and stepping stones come
 * before the types that name them, and the key that says that everything is there comes last. Rejects with NginxError,
 * and as `currentRevision` does.
 * @param currentRevision Reads etcd's revision. It is called only if NGINX has a higher one than the offering, after that was read.
 */
export async function writeOffering(
  api: KeyvalApi,
  offering: Offering,
  currentRevision: (signal: AbortSignal) => Promise<number>,
  signal: AbortSignal,
): Promise<WriteResult> {
  const found = await api.keyvals(ZONE, signal);
  if (found === undefined) return 'no-zone';
  const highest = Math.max(...[...found.values()].map(revisionOf));
  const etcdRevision = highest > offering.revision ? await currentRevision(signal) : offering.revision;
  const wanted = new Map([
    ...limits(offering.slots),
    ...offering.members,
    ...offering.stones,
    ...offering.types,
    [READY_KEY, '1'],
  ]);
  const isNewer = (key: string) => {
    const revision = revisionOf(found.get(key) ?? '');
    return revision > offering.revision && revision <= etcdRevision;
  };
  let written = 0;
  for (const [key, value] of wanted) {
    if (isNewer(key) || isSame(found.get(key), value)) continue;
    await api.setKeyval(ZONE, key, value, signal);
    written++;
  }
  // While another watcher's newer value stands, what belongs to it may be newer too.
  const hasNewer = [...found.keys()].some(isNewer);
  for (const key of found.keys()) {
    if (wanted.has(key) || hasNewer) continue;
    await api.removeKeyval(ZONE, key, signal);
    written++;
  }
  return { written };
}

/** The keys that say how many downloads at a time there may be. */
function limits({ all, byRegion }: Slots): readonly (readonly [string, string])[] {
  const ofRegions = [...byRegion].map(([region, slots]) => [regionSlotsKey(region), String(slots)] as const);
  return [[SLOTS_KEY, String(all)], ...ofRegions];
}

/** Whether two values offer the same, whatever their revisions. */
function isSame(found: string | undefined, wanted: string): boolean {
  return found !== undefined && withoutRevision(found) === withoutRevision(wanted);
}
