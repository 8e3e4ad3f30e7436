import { describe, expect, it } from 'vitest';
import { decide } from '../../../../src/firmware/gate.js';
import { NO_COUNTS } from '../../../../src/firmware/outcomes.js';
import { Edge } from '../support/edge.js';

const DAY = 86_400;
const AUTHOR = { by: 'ann', at: '2026-11-27T12:00:00.000Z' };

/** An NGINX of a type whose devices ask each hour, but for `sleeper`, which asks once a day and has taken the candidate. */
function asleep(): Edge {
  const edge = new Edge().offer({ interval: 3600 });
  edge.ask('id=sleeper&version=1.0.0');
  edge.pass(DAY);
  edge.ask('id=sleeper&version=1.0.0');
  edge.download('sleeper');
  return edge;
}

describe('a device that asks once a day, of a type that asks each hour', () => {
  it('is not lost before three of its days, and has booted when it says so then', () => {
    const edge = asleep();
    edge.pass(3 * DAY - 1);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1 });
    edge.ask('id=sleeper&version=1.1.0');
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, booted: 1 });
  });

  it('is lost after them, and found when it asks again', () => {
    const edge = asleep();
    edge.pass(3 * DAY);
    expect(edge.counted()).toMatchObject({ lost: 1 });
    edge.ask('id=sleeper&version=1.1.0');
    expect(edge.counted()).toMatchObject({ lost: 1, found: 1, booted: 1 });
  });

  it('is not lost sooner after a restart of NGINX', () => {
    const edge = asleep();
    edge.pass(2 * DAY);
    const next = edge.save().restarted();
    next.pass(DAY - 1);
    expect(next.counted()).toEqual({ offered: 1, downloaded: 1 });
  });

  it('neither halts a rollout nor holds up its next phase, which begins with the outcomes of the others', () => {
    const edge = asleep();
    for (let i = 0; i < 3; i++) {
      edge.ask(`id=d${i}&version=1.0.0`);
      edge.download(`d${i}`);
      edge.ask(`id=d${i}&version=1.1.0`);
    }
    edge.pass(2 * DAY);
    const begun = [{ percent: 10, at: AUTHOR.at, counts: NO_COUNTS }];
    const candidate = {
      ...{ version: '1.1.0', salt: 's', percent: 10, groups: [], phases: [10, 100], begun },
      ...{ gate: { after: 3 }, limit: { maxFailures: 0, min: 1 } },
    };
    const rollout = { ...AUTHOR, downgrade: false, secureVersion: 0, candidate };
    const counts = { ...NO_COUNTS, ...edge.counted() };
    expect(decide(rollout, { counts, now: Date.parse(AUTHOR.at) })).toEqual({ kind: 'begin', percent: 100 });
  });
});

it('a device that never says its version is unknown, not failed, however often it asks', () => {
  const edge = new Edge().offer({ interval: 100 });
  edge.ask('id=mute');
  edge.download('mute');
  for (let i = 0; i < 10; i++) {
    edge.pass(50);
    edge.ask('id=mute');
  }
  expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, unknown: 1 });
});
