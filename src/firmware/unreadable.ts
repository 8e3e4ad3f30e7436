import { type Refusal, refused } from './refusal.js';
import type { TypeState } from './type-state.js';

/**
 * Why nothing may be changed on the ground of this state: a key that decides who is offered what cannot be read. The log
 * and outcomes decide nothing.
 */
export function refuseUnreadable({ type, unreadable }: TypeState): Refusal | undefined {
  const first = unreadable.find(
    ({ key }) => !key.includes(`/${type}/log/`) && !key.includes(`/${type}/outcomes/`),
  );
  if (first === undefined) return undefined;
  return refused(
    'unreadable',
    `${first.key} cannot be read: ${first.reason}`,
    'use the version of sidekick that wrote it, or correct the key',
  ).refusal;
}
