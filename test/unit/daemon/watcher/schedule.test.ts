import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMING } from '../../../../src/daemon/watcher/options.js';
import {
  drainPollInterval,
  nextPassIn,
  PassSchedule,
  type ScheduleInput,
} from '../../../../src/daemon/watcher/schedule.js';

const NOW = 1_000_000;

function next(input: Partial<ScheduleInput>, random = 1): number {
  const given: ScheduleInput = {
    now: NOW,
    verify: false,
    failures: 0,
    drains: [],
    guardEnd: undefined,
    verifyAt: undefined,
    drainTimeout: 300_000,
    servers: 10,
    ...input,
  };
  return nextPassIn(given, DEFAULT_TIMING, () => random);
}

describe('nextPassIn', () => {
  it.each<[string, Partial<ScheduleInput>, number]>([
    ['nothing going on: the resync', {}, 30_000],
    ['something done: at once', { verify: true }, 0],
    ['a failure: the back-off', { failures: 1, verify: true }, 100],
    ['many failures: the longest back-off', { failures: 9 }, 500],
    ['a drain that has just begun', { drains: [{ since: NOW }] }, 250],
    ['a drain of long ago', { drains: [{ since: NOW - 60_000 }] }, 2_000],
    ['the drain deadline, which comes before the poll', { drains: [{ since: NOW - 299_000 }] }, 1_000],
    ['a drain that is past its deadline: the poll', { drains: [{ since: NOW - 400_000 }] }, 2_000],
    ['a drain in a group of 10,000: not every second', { drains: [{ since: NOW }], servers: 10_000 }, 5_000],
    [
      'a drain in a group of 10,000 near its deadline',
      { drains: [{ since: NOW - 299_000 }], servers: 10_000 },
      1_000,
    ],
    ['a drain whose deadline is now: the poll', { drains: [{ since: NOW - 300_000 }] }, 2_000],
    ['the end of a hold', { guardEnd: NOW + 700 }, 700],
    ['the end of a hold that is now: the resync', { guardEnd: NOW }, 30_000],
    ['the late effect of a call', { verifyAt: NOW + 900 }, 900],
  ])('%s', (_, input, expected) => {
    expect(next(input)).toBe(expected);
  });

  it('spreads resyncs over the last tenth of their interval', () => {
    expect([0, 1].map((random) => next({}, random))).toEqual([27_000, 30_000]);
  });
});

describe('drainPollInterval', () => {
  it('grows with the age of the drain, within its bounds', () => {
    const at = (age: number) => drainPollInterval(NOW - age, NOW, { min: 250, max: 2_000 });
    expect([0, 1_000, 4_000, 8_000, 60_000].map(at)).toEqual([250, 250, 1_000, 2_000, 2_000]);
  });
});

describe('PassSchedule', () => {
  const TIMING = { debounce: 50 };

  it('begins the first pass at once', () => {
    expect(new PassSchedule().wait(NOW, TIMING)).toBe(0);
  });

  it('begins no pass within the debounce of the one before', () => {
    const schedule = new PassSchedule();
    schedule.begin(NOW);
    schedule.request();
    expect(schedule.wait(NOW + 20, TIMING)).toBe(30);
    expect(schedule.wait(NOW + 60, TIMING)).toBe(0);
  });

  it('keeps a request that comes while a pass runs, whatever that pass schedules', () => {
    const schedule = new PassSchedule();
    schedule.begin(NOW);
    schedule.request();
    schedule.next(30_000, NOW + 100);
    expect(schedule.wait(NOW + 100, TIMING)).toBe(0);
  });

  it('verifies the fast path a quiet moment after its last change', () => {
    const schedule = new PassSchedule();
    schedule.begin(NOW - 10_000);
    schedule.prove(10, NOW, TIMING);
    schedule.prove(10, NOW + 40, TIMING);
    expect(schedule.wait(NOW + 40, TIMING)).toBe(50);
  });

  it('does not postpone the verification for ever', () => {
    const schedule = new PassSchedule();
    schedule.begin(NOW - 10_000);
    for (let at = 0; at <= 990; at += 30) schedule.prove(10, NOW + at, TIMING);
    expect(schedule.wait(NOW + 990, TIMING)).toBe(10);
  });

  it('waits longer before the verification the larger the group is', () => {
    const schedule = new PassSchedule();
    schedule.begin(NOW - 10_000);
    schedule.prove(10_000, NOW, TIMING);
    expect(schedule.wait(NOW, TIMING)).toBe(1_000);
  });

  it('postpones the verification longer in a large group: 1 ms for each server', () => {
    const schedule = new PassSchedule();
    schedule.begin(NOW - 10_000);
    for (let at = 0; at <= 9_900; at += 300) schedule.prove(10_000, NOW + at, TIMING);
    expect(schedule.wait(NOW + 9_900, TIMING)).toBe(100);
  });

  it('counts a full pass as the verification', () => {
    const schedule = new PassSchedule();
    schedule.prove(10, NOW, TIMING);
    schedule.begin(NOW);
    schedule.next(30_000, NOW);
    expect(schedule.wait(NOW + 100, TIMING)).toBe(29_900);
  });
});
