import { describe, expect, it } from 'vitest';
import type { Checked } from '../../../../src/firmware/refusal.js';
import {
  beginNextPhase,
  type Change,
  halt,
  pause,
  promote,
  type RolloutRequest,
  resume,
  rollBack,
  rollOut,
  shadow,
} from '../../../../src/firmware/transitions.js';
import {
  CANDIDATE,
  changed,
  made,
  PAUSED,
  PHASES,
  RELEASES,
  rolledOut,
  STABLE,
} from '../support/transitions.js';
import { AUTHOR } from '../support/types.js';

describe('a change in words', () => {
  const FIRST = rolledOut(RELEASES, { version: '1.2.0', percent: 10 });
  const NEWER = changed(CANDIDATE, (state) => promote(state, AUTHOR));
  const COUNTED = changed(STABLE, (state) => shadow(state, {}, AUTHOR));
  const rollout = (request: RolloutRequest) => rollOut(STABLE, { version: '1.3.0', ...request }, AUTHOR);

  it.each<[string, Checked<Change>]>([
    ['1.3.0 is offered to the group beta', rollout({ groups: ['beta'] })],
    ['1.3.0 is offered to 1 % of devices, then to 10 % with rollout --next', rollout({ phases: [1, 10] })],
    [
      '1.3.0 is offered to 1 % of devices, then to 10 % at least 60 s apart',
      rollout({ phases: [1, 10], every: 60 }),
    ],
    ['1.3.0 is offered to 1 % of devices, then to 10 %', rollout({ phases: [1, 10], after: 0 })],
    [
      '1.3.0 is offered to nobody yet, then to 1 %, 10 % after 5 more devices have booted, from 2026-12-01T08:00:00.000Z on',
      rollout({ phases: [1, 10], after: 5, notBefore: '2026-12-01T08:00:00.000Z' }),
    ],
    [
      '1.3.0 is offered to 5 % of devices; halts when more than 2 % of at least 30 devices fail or are lost',
      rollout({ percent: 5, maxFailures: 2 }),
    ],
    [
      '1.3.0 is offered to 10 % of devices, then to 100 % after 60 more devices have booted; ' +
        'halts when more than 2 % of at least 30 devices fail or are lost',
      beginNextPhase(rolledOut(STABLE, PHASES), AUTHOR),
    ],
    ['1.3.0 is paused: too warm', pause(CANDIDATE, 'too warm', AUTHOR)],
    ['1.3.0 is paused', pause(CANDIDATE, undefined, AUTHOR)],
    ['1.3.0 is offered again, to 2 % of devices and the group beta', resume(PAUSED, 2, AUTHOR)],
    ['1.2.0 is the stable release', promote(FIRST, AUTHOR)],
    ['1.2.0 is withdrawn', rollBack(FIRST, false, AUTHOR)],
    ['1.3.0 is withdrawn: 1.2.0 stays the stable release', rollBack(CANDIDATE, false, AUTHOR)],
    ['1.3.0 is withdrawn: 1.2.0 is the stable release again', rollBack(NEWER, true, AUTHOR)],
    ['1.3.0 is not in shadow any more', shadow(COUNTED, { percent: 0 }, AUTHOR)],
  ])('is: %s', (text, change) => {
    expect(made(change).text).toBe(text);
  });

  it('names the release that it is about', () => {
    const changes = [
      rollOut(RELEASES, { percent: 1 }, AUTHOR),
      beginNextPhase(rolledOut(STABLE, PHASES), AUTHOR),
      halt(CANDIDATE, { failed: 1, lost: 0, of: 1 }, AUTHOR),
      pause(CANDIDATE, undefined, AUTHOR),
      resume(PAUSED, undefined, AUTHOR),
      promote(CANDIDATE, AUTHOR),
      rollBack(CANDIDATE, false, AUTHOR),
      rollBack(NEWER, true, AUTHOR),
      shadow(STABLE, {}, AUTHOR),
      shadow(COUNTED, { percent: 0 }, AUTHOR),
    ];
    for (const change of changes) expect(made(change).version).toBe('1.3.0');
  });
});
