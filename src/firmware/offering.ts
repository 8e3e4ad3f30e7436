import type { KeyPrefixes } from '../core/keys.js';
import { renderCatalogue } from './catalogue.js';
import { revisionOf } from './holdings.js';
import type { ReleaseId } from './names.js';
import type { Release } from './release.js';
import { memberKey, typeKey } from './shared/catalogue.js';
import type { TypeState } from './type-state.js';

/** What every NGINX is to hold in its keyval zone, as etcd held it at one revision. */
export interface Offering {
  readonly revision: number;
  /** The value of each type that devices may ask for, by key. */
  readonly types: ReadonlyMap<string, string>;
  /** The groups of each device that is in one which a candidate is offered to, by key. */
  readonly members: ReadonlyMap<string, string>;
  /** Types that cannot be offered, with the reason. */
  readonly problems: readonly { readonly type: string; readonly reason: string }[];
}

/** A registered firmware server, as its registration shows it. */
export interface FirmwareServer {
  readonly address: string;
  /** What it announces as `meta.firmware`: see `heldUpTo`. undefined where it announces nothing that can be read. */
  readonly heldUpTo?: number;
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
 * What devices are offered: of each type the releases that its rollout names, as far as every registered firmware server
 * holds their files. undefined where no firmware server is registered: then nobody knows what can be fetched, and what
 * NGINX has stays.
 */
export function offeringOf(input: OfferingInput): Offering | undefined {
  if (input.servers.length === 0) return undefined;
  const heldByAll = Math.min(...input.servers.map(({ heldUpTo = -1 }) => heldUpTo));
  const types = new Map<string, string>();
  const members = new Map<string, string>();
  const problems: { type: string; reason: string }[] = [];
  for (const state of input.types) {
    const { type, record, rollout } = state;
    if (record === undefined || rollout === undefined) continue;
    const releases = heldReleases(input.prefixes, state, heldByAll);
    const { origin, revision } = input;
    const value = renderCatalogue({ type, record, rollout, releases, origin, revision });
    if (value.ok) types.set(typeKey(type), value.value);
    else problems.push({ type, reason: value.reason });
    for (const [id, groups] of membersOf(state)) members.set(memberKey(type, id), groups);
  }
  return { revision: input.revision, types, members, problems };
}

function heldReleases(
  prefixes: KeyPrefixes,
  state: TypeState,
  heldByAll: number,
): ReadonlyMap<ReleaseId, Release> {
  const held = [...state.releases].filter(([id]) => revisionOf(prefixes, state, id) <= heldByAll);
  return new Map(held);
}

/** The devices of the groups that the candidate is offered to, each with its groups, separated by commas. */
function membersOf({ rollout, groups }: TypeState): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (const name of rollout?.candidate?.groups ?? []) {
    for (const id of groups.get(name) ?? []) {
      const others = members.get(id);
      members.set(id, others === undefined ? name : `${others},${name}`);
    }
  }
  return members;
}
