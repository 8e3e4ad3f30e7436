import { regionOf } from './shared/region.js';

/** What the registration of a firmware server says of what it carries. */
interface Carrier {
  /** How many downloads at a time; default `DEFAULT_SLOTS`. */
  readonly slots?: number;
  /** Where it is; left out: in no region. */
  readonly region?: string;
}

/** How many downloads at a time firmware servers carry. */
export interface Slots {
  /** All of them. */
  readonly all: number;
  /** Those of each region that has servers of its own. */
  readonly byRegion: ReadonlyMap<string, number>;
}

/** How many downloads at a time a firmware server carries that does not say. */
const DEFAULT_SLOTS = 100;

/** @param servers The registered firmware servers that are not drained. */
export function slotsOf(servers: Iterable<Carrier>): Slots {
  let all = 0;
  const byRegion = new Map<string, number>();
  for (const { slots = DEFAULT_SLOTS, region } of servers) {
    all += slots;
    if (region !== undefined) byRegion.set(region, (byRegion.get(region) ?? 0) + slots);
  }
  return { all, byRegion };
}

/** The part that one of so many NGINX may use: at least one download, however few there are. */
export function shareOf({ all, byRegion }: Slots, nginx: number): Slots {
  const share = (slots: number) => Math.max(1, Math.floor(slots / nginx));
  return { all: share(all), byRegion: new Map([...byRegion].map(([region, own]) => [region, share(own)])) };
}

/** How many downloads of a type can be under way: its region's servers carry those of the line of a region. */
export function slotsFor({ all, byRegion }: Slots, type: string): number {
  return byRegion.get(regionOf(type)) ?? all;
}
