import type { KeyPrefixes } from '../core/keys.js';
import { type CatalogueInput, renderCatalogue, renderStone, stonesOf } from './catalogue.js';
import { refuseChain } from './chain.js';
import { mustHold, revisionOf } from './holdings.js';
import type { ReleaseId } from './names.js';
import type { Release } from './release.js';
import type { Rollout } from './rollout.js';
import { memberKey, stoneKey } from './shared/catalogue.js';
import { regionOf } from './shared/region.js';
import { type Slots, slotsOf } from './slots.js';
import { stepsOf, type TypeState } from './type-state.js';

/** What every NGINX is to hold in its keyval zone, as etcd held it at one revision. */
export interface Offering {
  readonly revision: number;
  /** Each type that devices may ask for, by name. */
  readonly types: ReadonlyMap<string, OfferedType>;
  /** How many downloads the firmware servers carry at a time. */
  readonly slots: Slots;
  /** Types that cannot be offered, with the reason. */
  readonly problems: readonly { readonly type: string; readonly reason: string }[];
}

/** What NGINX is to hold of one type. */
export interface OfferedType {
  /** That of the type's key; undefined where the type cannot be offered. */
  readonly value: string | undefined;
  /** The stepping stones that devices are led to, by key. */
  readonly stones: ReadonlyMap<string, string>;
  /** The groups of devices that the candidate is offered to, paused or not: for each device that is in one, by key. */
  readonly members: ReadonlyMap<string, string>;
}

/** A registered firmware server, as its registration shows it. */
export interface FirmwareServer {
  readonly address: string;
  /** What it announces as `meta.firmware`, see `heldUpTo`. Left out: it announces nothing that can be read. */
  readonly heldUpTo?: number;
  /** How many downloads it carries at a time, as it announces in `meta.slots`; default `DEFAULT_SLOTS`. */
  readonly slots?: number;
  /** Where it is, as it announces in `meta.region`: it does not have the files of other regions. Left out: it has all files. */
  readonly region?: string;
}

interface OfferingInput {
  readonly prefixes: KeyPrefixes;
  readonly types: Iterable<TypeState>;
  /** The registered firmware servers that are not drained. */
  readonly servers: readonly FirmwareServer[];
  /** Where devices fetch files, such as `https://ota.example.com`: without a slash at its end. */
  readonly origin: string;
  /** The revision of etcd at which all of this was read. */
  readonly revision: number;
}

/**
 * What devices are offered: the releases that the rollout of each type names. A release is left out unless its files are on
 * every registered firmware server that must hold them, and on at least one. A region whose rollout offers nothing has no
 * line of its own yet. Returns undefined where no firmware server is registered: nobody knows then what devices can fetch,
 * and NGINX keeps what it has.
 */
export function offeringOf(input: OfferingInput): Offering | undefined {
  if (input.servers.length === 0) return undefined;
  const types = new Map<string, OfferedType>();
  const problems: { type: string; reason: string }[] = [];
  for (const state of input.types) {
    const { type, record, rollout } = state;
    if (record === undefined || rollout === undefined || isUnused(type, rollout)) continue;
    const { origin, revision } = input;
    const releases = offerableReleases(input.prefixes, state, heldByAll(input.servers, type));
    const catalogue = { type, record, rollout, releases, steps: stepsOf(state), origin, revision };
    const value = renderCatalogue(catalogue);
    if (!value.ok) problems.push({ type, reason: value.reason });
    types.set(type, {
      value: value.ok ? value.value : undefined,
      stones: new Map(renderedStones(catalogue)),
      members: membersOf(state),
    });
  }
  return { revision: input.revision, types, slots: slotsOf(input.servers), problems };
}

/** Whether a region's rollout was taken back before its first stable release: its devices then get what all regions get. */
function isUnused(type: string, { stable, candidate }: Rollout): boolean {
  return regionOf(type) !== '' && stable === undefined && candidate === undefined;
}

/** The revision up to which every server that must hold a type's files has them; -1 where no server must. */
function heldByAll(servers: readonly FirmwareServer[], type: string): number {
  const holding = servers.filter((server) => mustHold(server, type));
  return holding.length === 0 ? -1 : Math.min(...holding.map(({ heldUpTo = -1 }) => heldUpTo));
}

function renderedStones(input: CatalogueInput): readonly (readonly [string, string])[] {
  return stonesOf(input).flatMap((id) => {
    const value = renderStone(input, id);
    return value === undefined ? [] : [[stoneKey(input.type, id), value] as const];
  });
}

/** The releases whose files are on every server that must hold them, without those that devices cannot reach. */
function offerableReleases(
  prefixes: KeyPrefixes,
  state: TypeState,
  held: number,
): ReadonlyMap<ReleaseId, Release> {
  const complete = [...state.releases].filter(([id]) => revisionOf(prefixes, state, id) <= held);
  const releases = new Map(complete);
  const { stable, candidate } = state.rollout ?? {};
  for (const id of [stable, candidate?.version]) {
    // Commands refuse such a rollout: somebody has changed etcd without them.
    if (id !== undefined && refuseChain(stepsOf(state), id) !== undefined) releases.delete(id);
  }
  return releases;
}

/** The keys of the devices in the groups that the candidate is offered to, each with its groups, separated by commas. */
function membersOf({ type, rollout, groups }: TypeState): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (const name of rollout?.candidate?.groups ?? []) {
    for (const id of groups.get(name) ?? []) {
      const key = memberKey(type, id);
      const others = members.get(key);
      members.set(key, others === undefined ? name : `${others},${name}`);
    }
  }
  return members;
}
