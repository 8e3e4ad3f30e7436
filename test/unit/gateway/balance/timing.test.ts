import { beforeEach, expect, it } from 'vitest';
import * as timing from '../../../../src/gateway/balance/timing.js';
import { FakeDict } from '../support/memory.js';

const NAMES = ['header_time', 'response_time'];

let counters: FakeDict<number>;

beforeEach(() => {
  counters = new FakeDict<number>();
});

it('the timer adds up ms from the seconds that NGINX gives, each kind on its own', () => {
  timing.addTimes(counters, { upstream_header_time: '0.020', upstream_response_time: '0.036' }, '7', NAMES);
  timing.addTimes(counters, { upstream_header_time: '0.000', upstream_response_time: '1.5' }, '7', NAMES);
  expect(Object.fromEntries(counters.entries)).toEqual({
    '7/timed': 2,
    '7/header_time': 20,
    '7/response_time': 1536,
  });
});

it('the timer uses of the times of several servers the last', () => {
  timing.addTimes(
    counters,
    { upstream_header_time: '-, 0.002', upstream_response_time: '2.001 : 0.003' },
    '7',
    NAMES,
  );
  expect(counters.get('7/header_time')).toBe(2);
  expect(counters.get('7/response_time')).toBe(3);
});

it.each(['-', '', undefined, '0.1, -'])(
  'the timer records nothing of a request without an answer: %s',
  (header) => {
    timing.addTimes(counters, { upstream_header_time: header, upstream_response_time: '2.001' }, '7', NAMES);
    expect(counters.entries.size).toBe(0);
  },
);
