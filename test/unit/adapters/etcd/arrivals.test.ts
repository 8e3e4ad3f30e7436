import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { arrivals } from '../../../../src/adapters/etcd/arrivals.js';

const MANY = 5_000;

function start(highWaterMark = 16) {
  const stream = new PassThrough({ objectMode: true, highWaterMark });
  return { stream, lists: arrivals<number>(stream) };
}

describe('arrivals', () => {
  it('gives what arrives in one turn of the event loop as one list', async () => {
    const { stream, lists } = start();
    const first = lists.next();
    stream.write(1);
    // In another microtask, as grpc-js hands on what it has read at once.
    await Promise.resolve();
    stream.write(2);
    expect(await first).toEqual({ value: [1, 2], done: false });
  });

  it('gives an object that nothing follows', async () => {
    const { stream, lists } = start();
    for (const object of [1, 2]) {
      stream.write(object);
      expect(await lists.next()).toEqual({ value: [object], done: false });
    }
  });

  it('gives every object once and in its order, in lists of a bounded length', async () => {
    const { stream, lists } = start(MANY);
    for (let object = 0; object < MANY; object++) stream.write(object);
    stream.end();
    const lengths: number[] = [];
    const objects: number[] = [];
    for await (const list of lists) {
      lengths.push(list.length);
      objects.push(...list);
    }
    expect(objects).toEqual(Array.from({ length: MANY }, (_, object) => object));
    expect(Math.max(...lengths)).toBeLessThan(MANY);
  });

  it('rejects as the stream does', async () => {
    const { stream, lists } = start();
    const next = lists.next();
    await nextTurn();
    stream.destroy(new Error('cut off'));
    await expect(next).rejects.toThrow('cut off');
  });
});
