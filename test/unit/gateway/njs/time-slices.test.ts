import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Reply } from '../../../../src/gateway/api/dispatch.js';
import * as errors from '../../../../src/gateway/model/errors.js';
import * as steps from '../../../../src/gateway/model/steps.js';
import { pause, respond, runInSlices, write } from '../../../../src/gateway/njs/time-slices.js';

/** What a call asked of its pacer, and what it did, in order. */
let events: string[];
const pacer = {
  turn: async () => {
    events.push('turn');
  },
  rest: () => {
    events.push('rest');
  },
};

beforeEach(() => {
  vi.useFakeTimers();
  events = [];
});

afterEach(() => {
  vi.useRealTimers();
});

function piece(name: string): () => string {
  return () => {
    events.push(name);
    return name;
  };
}

function reply(more: Partial<Reply> = {}): Reply {
  events.push('respond');
  return { status: 200, pieces: [], busy: false, isReady: () => true, ...more };
}

/** A complete response. */
async function complete(call: () => Reply): Promise<{ status: number; text: string }> {
  try {
    const made = await respond(pacer, call);
    let text = '';
    await write(pacer, made.pieces, (some) => {
      text += some;
    });
    return { status: made.status, text };
  } finally {
    pacer.rest();
  }
}

async function finish<T>(work: Promise<T>): Promise<T> {
  const settled = work.finally(() => {});
  settled.catch(() => {});
  await vi.runAllTimersAsync();
  return await settled;
}

describe('a response', () => {
  it('takes one turn if it is short, and one for each further piece', async () => {
    expect(await finish(complete(() => reply({ pieces: [piece('a')] })))).toEqual({
      status: 200,
      text: 'a',
    });
    expect(events).toEqual(['turn', 'respond', 'a', 'rest']);
    events = [];
    const long = await finish(complete(() => reply({ pieces: [piece('a'), piece('b'), piece('c')] })));
    expect(long.text).toBe('abc');
    expect(events).toEqual(['turn', 'respond', 'a', 'turn', 'b', 'turn', 'c', 'rest']);
  });

  it('rests while it waits for the lock, and lines up again', async () => {
    let attempts = 0;
    const given = await finish(complete(() => reply({ busy: ++attempts < 3, status: attempts })));
    expect(given.status).toBe(3);
    expect(events).toEqual(['turn', 'respond', 'rest', 'turn', 'respond', 'rest', 'turn', 'respond', 'rest']);
  });

  it('says after a second that the lock is not to be had', async () => {
    const began = Date.now();
    expect((await finish(complete(() => reply({ busy: true, status: 503 })))).status).toBe(503);
    expect(Date.now() - began).toBe(1000);
  });

  it('waits without a turn for what it has to wait for, a second at most', async () => {
    const began = Date.now();
    await finish(complete(() => reply({ isReady: () => Date.now() - began >= 300 })));
    expect(Date.now() - began).toBe(300);
    expect(events.filter((event) => event === 'turn')).toHaveLength(1);
    await finish(complete(() => reply({ isReady: () => false })));
    expect(Date.now() - began).toBe(1300);
  });

  it('repeats a piece that needs the lock, and gives up after a second', async () => {
    let attempts = 0;
    const locked = () => {
      if (++attempts < 3) throw errors.locked;
      return 'b';
    };
    expect((await finish(complete(() => reply({ pieces: [piece('a'), locked] })))).text).toBe('ab');
    const never = () => {
      throw errors.locked;
    };
    await expect(finish(complete(() => reply({ pieces: [piece('a'), never] })))).rejects.toBe(errors.locked);
    expect(events.at(-1)).toBe('rest');
  });

  it('ends its slice if a piece fails', async () => {
    const broken = () => {
      throw new Error('broken');
    };
    await expect(finish(complete(() => reply({ pieces: [broken] })))).rejects.toThrow('broken');
    expect(events.at(-1)).toBe('rest');
  });
});

it('writes a long text some pieces at a time', async () => {
  // Regression: joining the pieces of a list of 5,126 servers took ten milliseconds.
  const texts: string[] = [];
  const pieces = Array.from({ length: 100 }, () => () => 'x'.repeat(1000));
  await write(pacer, pieces, (text) => texts.push(text));
  expect(texts.join('')).toBe('x'.repeat(100_000));
  expect(Math.max(...texts.map((text) => text.length))).toBeLessThan(18_000);
  expect(texts).toHaveLength(6);
});

describe('a pause', () => {
  it('is never 0 ms: NGINX would run such a timer, if a timer has set it, before it reads requests', async () => {
    // Regression: the slices of a long response followed each other without a break.
    let over = false;
    void pause(0).then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(0.9);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(0.1);
    expect(over).toBe(true);
  });
});

describe('long work', () => {
  it('is done in slices with pauses of a millisecond, whatever the length of the slices', async () => {
    const took = async (length: number) => {
      const began = Date.now();
      const work = steps.each(40, 1, () => vi.setSystemTime(Date.now() + 1));
      expect(await finish(runInSlices(work, length, () => false))).toBe(true);
      return Date.now() - began;
    };
    expect([await took(1), await took(10)]).toEqual([40 + 39, 40 + 3]);
  });

  it('stops between two slices when it is late', async () => {
    let done = 0;
    const work = steps.each(40, 1, () => {
      done++;
      vi.setSystemTime(Date.now() + 1);
    });
    expect(await finish(runInSlices(work, 1, () => done >= 7))).toBe(false);
    expect(done).toBe(7);
  });
});
