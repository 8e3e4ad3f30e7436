import { describe, expect, it } from 'vitest';
import { Admission, DEFAULT_SERVICE_LIMITS } from '../../../src/core/admission.js';

function admission(limits: { readonly instances?: number; readonly bytes?: number }): Admission {
  return new Admission({ instances: 100, bytes: 1_000, ...limits });
}

/** Which of the keys are admitted. */
function admitted(of: Admission, ...keys: string[]): readonly string[] {
  return keys.filter((key) => of.has(key));
}

describe('Admission', () => {
  it('has room for a thousand instances and a mebibyte of values where nothing else is configured', () => {
    expect(DEFAULT_SERVICE_LIMITS).toEqual({ instances: 1_000, bytes: 1_048_576 });
  });

  it('admits as many keys as are allowed, and lets the others wait', () => {
    const keys = admission({ instances: 2 });
    expect(['a', 'b', 'c'].map((key) => keys.offer(key, 10))).toEqual([true, true, false]);
    expect(admitted(keys, 'a', 'b', 'c')).toEqual(['a', 'b']);
    expect(keys.waiting).toBe(1);
  });

  it('admits as many bytes as are allowed, and no more', () => {
    const keys = admission({ bytes: 100 });
    expect([keys.offer('a', 60), keys.offer('b', 40), keys.offer('c', 1)]).toEqual([true, true, false]);
  });

  it('admits an admitted key again, however full it is', () => {
    const keys = admission({ instances: 1, bytes: 10 });
    keys.offer('a', 10);
    expect(keys.offer('a', 10)).toBe(true);
    expect(keys.waiting).toBe(0);
  });

  it('counts a value that has changed by its new size', () => {
    const keys = admission({ bytes: 100 });
    keys.offer('a', 50);
    keys.offer('a', 90);
    expect(keys.offer('b', 20)).toBe(false);
    keys.offer('a', 80);
    expect(keys.offer('b', 20)).toBe(true);
    expect(keys.waiting).toBe(0);
  });

  it('refuses a value that grows beyond the limit, and keeps its key with the former size', () => {
    const keys = admission({ bytes: 100 });
    keys.offer('a', 60);
    expect(keys.offer('a', 101)).toBe(false);
    expect(keys.has('a')).toBe(true);
    expect(keys.waiting).toBe(0);
    expect(keys.offer('b', 40)).toBe(true);
  });

  it('gives the room of a key that goes to those that wait, the oldest first', () => {
    const keys = admission({ instances: 2 });
    for (const key of ['a', 'b', 'c', 'd', 'e']) keys.offer(key, 10);
    expect(keys.withdraw('a')).toEqual(['c']);
    expect(keys.withdraw('b')).toEqual(['d']);
    expect(admitted(keys, 'a', 'b', 'c', 'd', 'e')).toEqual(['c', 'd']);
    expect(keys.waiting).toBe(1);
  });

  it('lets no younger key go before the oldest that waits, even if it alone would fit', () => {
    const keys = admission({ bytes: 100 });
    keys.offer('large', 90);
    keys.offer('half', 10);
    keys.offer('too large', 50);
    keys.offer('small', 10);
    expect(keys.withdraw('half')).toEqual([]);
    expect(keys.withdraw('large')).toEqual(['too large', 'small']);
  });

  it('gives the bytes of a key that goes to several that wait', () => {
    const keys = admission({ bytes: 100 });
    keys.offer('a', 100);
    for (const key of ['b', 'c', 'd']) keys.offer(key, 50);
    expect(keys.withdraw('a')).toEqual(['b', 'c']);
    expect(keys.withdraw('b')).toEqual(['d']);
  });

  it('forgets a key that goes while it waits', () => {
    const keys = admission({ instances: 1 });
    keys.offer('a', 10);
    keys.offer('b', 10);
    expect(keys.withdraw('b')).toEqual([]);
    expect(keys.waiting).toBe(0);
    expect(keys.withdraw('a')).toEqual([]);
  });

  it('lets a key wait in its place, with the size that it has now', () => {
    const keys = admission({ bytes: 100 });
    keys.offer('a', 100);
    keys.offer('b', 50);
    keys.offer('c', 50);
    keys.offer('b', 60);
    expect(keys.waiting).toBe(2);
    expect(keys.withdraw('a')).toEqual(['b']);
  });

  it('is empty before the first key, and once all have gone', () => {
    const keys = admission({ instances: 1 });
    expect(keys.isEmpty).toBe(true);
    keys.offer('a', 10);
    expect(keys.isEmpty).toBe(false);
    keys.withdraw('a');
    expect(keys.isEmpty).toBe(true);
  });

  it('is not empty while a key waits that is larger than the limit', () => {
    const keys = admission({ bytes: 100 });
    keys.offer('a', 101);
    expect(keys.isEmpty).toBe(false);
    keys.withdraw('a');
    expect(keys.isEmpty).toBe(true);
  });

  it('takes a key that it never had for one that takes no room', () => {
    const keys = admission({ bytes: 100 });
    keys.offer('a', 100);
    expect(keys.withdraw('b')).toEqual([]);
    expect(keys.offer('c', 1)).toBe(false);
  });
});
