import type { Offering, OfferedType } from './offering.js';
import {
  decode,
  memberKey,
  READY_KEY,
  regionSlotsKey,
  revisionOf,
  SLOTS_KEY,
  typeKey,
  typeOfKey,
  withoutRevision,
} from './shared/catalogue.js';
import type { Slots } from './slots.js';

/** One change of the keyval zone `firmware`. */
export interface OfferingStep {
  readonly key: string;
  /** undefined: the key is removed. */
  readonly value: string | undefined;
}

type Pairs = ReadonlyMap<string, string>;

/**
 * The changes that lead from what one NGINX has to what is offered, in the order in which they are to be made: devices are
 * answered after each of them.
 *
 * - What a type's value names (stepping stones, members of its groups) is there before the value, and a device that it does
 *   not choose has left its groups before. All else of a type comes after every value. So a device is answered by the old
 *   value or by the new one, whichever keys are there.
 * - A type whose value waits for nothing comes first, and one that waits for few keys before one that waits for many: a
 *   halt names no group, and so it does not wait for the members of other types.
 * - With a type's keys its value is written as well, so that its revision covers them.
 * - The key that says that everything is there comes last.
 *
 * A type whose value has a higher revision is left as it is: another watcher wrote it that has read more of etcd. If etcd
 * itself has a lower revision, it was restored or set up anew since: then the value is replaced.
 * @param found Every pair that NGINX has.
 * @param etcdRevision etcd's revision, read after `found`.
 */
export function offeringSteps(
  found: Pairs,
  offering: Offering,
  etcdRevision: number,
): readonly OfferingStep[] {
  const foundOf = byType(found);
  const types = new Set([...offering.types.keys(), ...foundOf.keys()]);
  types.delete(NO_TYPE);
  const isNewer = (type: string) => {
    const revision = revisionOf(found.get(typeKey(type)) ?? '');
    return revision > offering.revision && revision <= etcdRevision;
  };
  const changes = [...types]
    .filter((type) => !isNewer(type))
    .map((type) => changesOf(type, foundOf.get(type) ?? new Map(), offering.types.get(type)))
    .toSorted((a, b) => a.before.length - b.before.length);
  const ofNginx = limits(offering.slots);
  const others = foundOf.get(NO_TYPE) ?? new Map();
  const isAlone = changes.length === types.size;
  return [
    ...puts(others, ofNginx),
    ...changes.flatMap(({ before, value }) => [...before, ...value]),
    ...changes.flatMap(({ after }) => after),
    // While another watcher's newer value stands, its limits may be newer too.
    ...(isAlone ? removals(others, new Map([...ofNginx, [READY_KEY, '']])) : []),
    ...puts(others, new Map([[READY_KEY, '1']])),
  ];
}

/** What `typeOfKey` says of a key that belongs to no type. */
const NO_TYPE = '';

function byType(pairs: Pairs): ReadonlyMap<string, Pairs> {
  const types = new Map<string, Map<string, string>>();
  for (const [key, value] of pairs) {
    const type = typeOfKey(key);
    const own = types.get(type) ?? new Map<string, string>();
    types.set(type, own.set(key, value));
  }
  return types;
}

/** The changes of one type, by when they come. */
interface TypeChanges {
  readonly before: readonly OfferingStep[];
  readonly value: readonly OfferingStep[];
  readonly after: readonly OfferingStep[];
}

const NOTHING: OfferedType = { value: undefined, stones: new Map(), members: new Map() };

function changesOf(type: string, found: Pairs, offered: OfferedType | undefined): TypeChanges {
  const key = typeKey(type);
  const { value, stones, members } = offered ?? NOTHING;
  const groups = value === undefined ? [] : (decode(value)?.groups ?? []);
  const had = startingWith(found, memberKey(type, ''));
  const between = membersBetween(had, members, groups);
  const others = new Map([...found].filter(([name]) => name !== key && !had.has(name)));
  const before = [...puts(others, stones), ...changesBetween(had, between)];
  const after = [...removals(others, stones), ...changesBetween(between, members)];
  const isWritten =
    value === undefined ? found.has(key) : before.length + after.length > 0 || !isSame(found.get(key), value);
  return { before, value: isWritten ? [{ key, value }] : [], after };
}

/**
 * The members while one value of their type takes the place of another. A device that the new value chooses by a group
 * keeps its other groups, by which the old one may have chosen it; one that it does not choose leaves the groups that the
 * new value names.
 */
function membersBetween(had: Pairs, wanted: Pairs, groups: readonly string[]): Pairs {
  const between = new Map(had);
  const changed = new Set(changesBetween(had, wanted).map(({ key }) => key));
  for (const key of changed) {
    const names = listOf(had.get(key));
    const choosing = listOf(wanted.get(key)).filter((name) => groups.includes(name));
    const kept = choosing.length > 0 ? names : names.filter((name) => !groups.includes(name));
    if (choosing.length + kept.length === 0) between.delete(key);
    else between.set(key, [...new Set([...choosing, ...kept])].join(','));
  }
  return between;
}

/** The groups that the value of a member names. */
function listOf(names: string | undefined): readonly string[] {
  return names === undefined ? [] : names.split(',');
}

function startingWith(pairs: Pairs, prefix: string): Pairs {
  return new Map([...pairs].filter(([key]) => key.startsWith(prefix)));
}

function changesBetween(found: Pairs, wanted: Pairs): readonly OfferingStep[] {
  return [...removals(found, wanted), ...puts(found, wanted)];
}

function puts(found: Pairs, wanted: Pairs): readonly OfferingStep[] {
  const changed = [...wanted].filter(([key, value]) => found.get(key) !== value);
  return changed.map(([key, value]) => ({ key, value }));
}

function removals(found: Pairs, wanted: Pairs): readonly OfferingStep[] {
  return [...found.keys()].filter((key) => !wanted.has(key)).map((key) => ({ key, value: undefined }));
}

/** Whether two values of a type offer the same, whatever their revisions. */
function isSame(found: string | undefined, wanted: string): boolean {
  return found !== undefined && withoutRevision(found) === withoutRevision(wanted);
}

/** The keys that say how many downloads at a time there may be. */
function limits({ all, byRegion }: Slots): Pairs {
  const ofRegions = [...byRegion].map(([region, slots]) => [regionSlotsKey(region), String(slots)] as const);
  return new Map([[SLOTS_KEY, String(all)], ...ofRegions]);
}
