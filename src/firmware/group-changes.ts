import { type Group, MAX_GROUP } from './group.js';
import { type Checked, passed, type Refusal, refused } from './refusal.js';
import { MAX_MEMBERS } from './rollout.js';
import type { TypeState } from './type-state.js';
import { refuseUnreadable } from './unreadable.js';

/** A group of devices as a change leaves it, and the change in words. */
interface GroupChange {
  /** undefined where the group has these devices already: there is nothing to write. */
  readonly group?: { readonly name: string; readonly ids: Group };
  readonly text: string;
}

/** The devices that a group is to have. Ids are in their normal spelling. */
export type GroupRequest =
  | { readonly add: Group; readonly remove: Group }
  /** These, and no others. */
  | { readonly only: Group };

/** Changes which devices are in a group. A group that does not exist is made. */
export function changeGroup(state: TypeState, name: string, request: GroupRequest): Checked<GroupChange> {
  const before = state.groups.get(name) ?? [];
  const ids = membersAfter(before, request);
  const group = { name, ids };
  const refusal =
    refuseUnreadable(state) ?? refuseType(state) ?? refuseSize(group) ?? refuseOffered(state, group);
  if (refusal !== undefined) return { ok: false, refusal };
  const added = without(ids, before).length;
  const removed = without(before, ids).length;
  if (state.groups.has(name) && added + removed === 0) {
    return passed({ text: `group ${name} stays as it is: ${devices(ids.length)}` });
  }
  return passed({
    group,
    text: `group ${name} has ${devices(ids.length)}: ${added} added, ${removed} removed`,
  });
}

/** Deletes a group that no candidate is offered to. */
export function deleteGroup(state: TypeState, name: string): Checked<{ deleteGroup: string; text: string }> {
  const refusal = refuseUnreadable(state) ?? refuseAbsent(state, name) ?? refuseNamed(state, name);
  if (refusal !== undefined) return { ok: false, refusal };
  return passed({ deleteGroup: name, text: `group ${name} is deleted` });
}

/** Why a type has no such group. */
export function refuseAbsent({ type, groups }: TypeState, name: string): Refusal | undefined {
  if (groups.has(name)) return undefined;
  const there = [...groups.keys()].sort().slice(0, 5).join(', ');
  const remedy =
    there === ''
      ? `make it first: sidekick firmware group ${type} ${name} --add ID`
      : `choose one of ${there}`;
  return refused('no-group', `type ${type} has no group ${name}`, remedy).refusal;
}

/** The devices that are in any of these groups. */
function membersOf(groups: ReadonlyMap<string, Group>, names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => groups.get(name) ?? []));
}

/** Why a candidate cannot be offered to so many devices by their ids: every NGINX has a key for each. */
export function refuseMembers(
  groups: ReadonlyMap<string, Group>,
  names: readonly string[],
): Refusal | undefined {
  const { size } = membersOf(groups, names);
  if (size <= MAX_MEMBERS) return undefined;
  return refused(
    'too-many-devices',
    `the groups ${names.join(', ')} have ${size} devices together, of at most ${MAX_MEMBERS}`,
    'name fewer groups, or offer the release to a percentage',
  ).refusal;
}

function membersAfter(before: Group, request: GroupRequest): Group {
  const ids = 'only' in request ? request.only : without([...before, ...request.add], request.remove);
  return [...new Set(ids)].sort();
}

function without(ids: Group, others: Group): Group {
  const out = new Set(others);
  return ids.filter((id) => !out.has(id));
}

/** A type that is not there is a mistyped one. */
function refuseType({ type, record }: TypeState): Refusal | undefined {
  if (record !== undefined) return undefined;
  return refused(
    'no-release',
    `nothing has been published of type ${type}`,
    'publish its first release, then make the group',
  ).refusal;
}

function refuseSize({ name, ids }: { name: string; ids: Group }): Refusal | undefined {
  if (ids.length <= MAX_GROUP) return undefined;
  return refused(
    'too-many-devices',
    `group ${name} would have ${ids.length} devices, of at most ${MAX_GROUP}`,
    'offer the release to a percentage: groups are for devices that somebody knows',
  ).refusal;
}

function refuseOffered(state: TypeState, { name, ids }: { name: string; ids: Group }): Refusal | undefined {
  const named = state.rollout?.candidate?.groups ?? [];
  return named.includes(name) ? refuseMembers(new Map([...state.groups, [name, ids]]), named) : undefined;
}

function refuseNamed({ rollout }: TypeState, name: string): Refusal | undefined {
  const candidate = rollout?.candidate;
  if (candidate?.groups.includes(name) !== true) return undefined;
  return refused(
    'group-in-use',
    `${candidate.version} is offered to group ${name}`,
    'promote it, withdraw it, or roll it out to other groups first',
  ).refusal;
}

function devices(count: number): string {
  return `${count} device${count === 1 ? '' : 's'}`;
}
