import { beforeEach, describe, expect, it } from 'vitest';
import type { Pacer } from '../../../../src/gateway/njs/pacing.js';
import { createPacer } from '../../../../src/gateway/njs/pacing.js';
import { FakeDict } from '../support/memory.js';
import { EventLoop } from './event-loop.js';

let loop: EventLoop;
let counters: FakeDict<number>;
/** What the calls did: when, for how long, and in which iteration of the event loop. */
let slices: { call: string; began: number; took: number; iteration: number }[];

beforeEach(() => {
  loop = new EventLoop();
  counters = new FakeDict<number>();
  slices = [];
});

function pacer(id = 0): Pacer {
  return createPacer({ id, counters, now: loop.now, pause: loop.pause });
}

function work(call: string, took: number): void {
  slices.push({ call, began: loop.time, took, iteration: loop.iteration });
  loop.work(took);
}

/** A call that does some pieces of work. */
async function call(name: string, took: number, pieces = 1, id = 0): Promise<void> {
  const own = pacer(id);
  for (let i = 0; i < pieces; i++) {
    await own.turn();
    work(name, took);
  }
  own.rest();
}

function order(): string {
  return slices.map(({ call }) => call).join('');
}

describe('a call', () => {
  it('begins at once if there is no other', async () => {
    const start = loop.time;
    await call('a', 0.3);
    expect(slices[0]?.began).toBe(start);
  });

  it('works alone in its worker, and is followed by a rest that is as long as its slice', async () => {
    for (const name of 'abcdef') void call(name, 3);
    await loop.run();
    expect(order()).toBe('abcdef');
    for (let i = 1; i < slices.length; i++) {
      const [last, next] = slices.slice(i - 1, i + 1) as [(typeof slices)[0], (typeof slices)[0]];
      expect(next.began - last.began).toBeGreaterThanOrEqual(last.took + 3);
      expect(next.iteration).toBeGreaterThan(last.iteration);
    }
  });

  it('gets, with all others, about half of the time at most, however short it is, and a quarter at least', async () => {
    for (const took of [0.2, 0.7, 2.3]) {
      slices = [];
      const began = loop.time;
      for (let i = 0; i < 200; i++) void call('a', took);
      await loop.run();
      const share = (200 * took) / (loop.time - began);
      expect(share).toBeLessThan(0.6);
      expect(share).toBeGreaterThan(0.25);
    }
  });

  it('leaves the event loop to other requests after a millisecond or two of short calls', async () => {
    for (let i = 0; i < 400; i++) void call('a', 0.2);
    await loop.run();
    const inIteration = new Map<number, number>();
    for (const { iteration, took } of slices)
      inIteration.set(iteration, (inIteration.get(iteration) ?? 0) + took);
    expect(Math.max(...inIteration.values())).toBeLessThan(2);
  });

  it('gets its turn in the order of arrival, also after the worker was held up', async () => {
    const names = 'abcdefghijklmnopqrstuvwxyz'.split('');
    for (const name of names) void call(name, 0.8);
    // Their timers fire together now.
    loop.work(100);
    await loop.run();
    expect(order()).toBe(names.join(''));
    const perIteration = slices.map(({ iteration }) => iteration);
    for (const each of perIteration)
      expect(perIteration.filter((other) => other === each).length).toBeLessThanOrEqual(2);
  });

  it('lines up again for each slice, so that a short call does not wait for the end of a long one', async () => {
    void call('L', 1.1, 50);
    void call('s', 0.2);
    await loop.run();
    expect(order().indexOf('s')).toBeLessThanOrEqual(2);
    expect(order()).toHaveLength(51);
  });

  it('goes on in its slice until it is over', async () => {
    const own = pacer();
    await own.turn();
    const { time } = loop;
    await own.turn();
    await own.turn();
    expect(loop.time).toBe(time);
  });

  it('is not held up by one whose client has left', async () => {
    for (const name of 'abc') void call(name, 2);
    loop.abort();
    void call('d', 2);
    await loop.run();
    expect(order()).toBe('ad');
    expect((slices[1]?.began ?? 0) - (slices[0]?.began ?? 0)).toBeLessThan(10);
  });

  it('does not wait for one in another worker', async () => {
    const start = loop.time;
    void call('a', 5, 1, 0);
    void call('b', 5, 1, 1);
    await loop.run();
    expect(slices.map(({ began }) => began - start)).toEqual([0, 5]);
  });
});

describe('pacing', () => {
  it('survives a clock that is set back by an hour, and one that is set forward', async () => {
    for (const name of 'ab') void call(name, 3);
    await loop.run();
    for (const offset of [-3_600_000, 3_600_000]) {
      loop.offset += offset;
      const began = loop.time;
      void call('c', 3);
      await loop.run();
      expect(loop.time - began).toBeLessThan(1100);
      const then = loop.time;
      void call('d', 3);
      await loop.run();
      expect(loop.time - then).toBeLessThan(1100);
    }
  });

  it('is given up if shared memory is full: a server can be taken out nevertheless', async () => {
    counters.limit = 0;
    for (const name of 'ab') void call(name, 3);
    await loop.run();
    expect(order()).toBe('ab');
  });

  it('remembers two numbers for each worker, and nothing of calls', async () => {
    for (let i = 0; i < 50; i++) void call('a', 1.5, 1, i % 2);
    await loop.run();
    expect(counters.entries.size).toBe(4);
  });
});
