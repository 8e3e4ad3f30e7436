/** A type before and after changes to its rollout. */
import { type Counts, NO_COUNTS } from '../../../../src/firmware/outcomes.js';
import type { Checked } from '../../../../src/firmware/refusal.js';
import {
  type Change,
  pause,
  promote,
  type RolloutRequest,
  rollOut,
} from '../../../../src/firmware/transitions.js';
import type { TypeState } from '../../../../src/firmware/type-state.js';
import { AUTHOR, release, typeWith } from './types.js';

export const RELEASES = typeWith(release('1.1.0'), release('1.2.0'), release('1.3.0'));

export function made(change: Checked<Change>): Change {
  if (!change.ok) throw new Error(`${change.refusal.code}: ${change.refusal.reason}`);
  return change.value;
}

/** The type after a change. */
export function changed(state: TypeState, change: (state: TypeState) => Checked<Change>): TypeState {
  return { ...state, rollout: made(change(state)).rollout };
}

export function refusal(change: Checked<unknown>): string {
  if (change.ok) return 'accepted';
  const { code, reason, remedy } = change.refusal;
  return `${code}: ${reason}; ${remedy}`;
}

export function rolledOut(state: TypeState, request: RolloutRequest): TypeState {
  return changed(state, (before) => rollOut(before, request, AUTHOR));
}

export const STABLE = changed(rolledOut(RELEASES, { version: '1.2.0', percent: 10 }), (state) =>
  promote(state, AUTHOR),
);
export const CANDIDATE = rolledOut(STABLE, { version: '1.3.0', percent: 10, groups: ['beta'] });
export const PAUSED = changed(CANDIDATE, (state) => pause(state, 'too warm', AUTHOR));

export const PHASES = { version: '1.3.0', phases: [1, 10, 100], after: 60, maxFailures: 2 };

/** The type with this counted of 1.3.0. */
export function counting(state: TypeState, counts: Partial<Counts>): TypeState {
  const all = new Map([['1.3.0', { ...NO_COUNTS, ...counts }]]);
  const record = { nginx: 'lb1', at: AUTHOR.at, sample: 1, counts: all };
  return { ...state, outcomes: new Map([['a'.repeat(16), record]]) };
}
