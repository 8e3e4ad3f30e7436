import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { desiredServers } from '../../../../src/core/desired.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { MAX_VALUE_LENGTH } from '../../../../src/core/registration-codec.js';
import { Registrations } from '../../../../src/core/registrations.js';
import { views } from '../support/registrations.js';

describe('the limits of registrations', () => {
  const key = (n: number, service = 'firmware') => `/services/${service}/10.0.1.${n}:80`;
  const limited = (limits: { instances?: number; bytes?: number }) =>
    new Registrations(DEFAULT_KEY_PREFIXES, { limits: { instances: 3, bytes: 1_000, ...limits } });
  const taken = (registrations: Registrations) =>
    [...registrations.get('firmware').keys()]
      .map((address) => Number(/10\.0\.1\.(\d+)/.exec(address)?.[1]))
      .sort((a, b) => a - b);

  it('accepts the oldest, in whatever order it sees them, and reports the rest once', () => {
    const etcd = views();
    for (const n of [5, 4, 3, 2, 1]) etcd.put(key(n));
    const { entries } = etcd.next();
    const registrations = limited({});
    const changed = new Set([...entries.keys()].reverse());
    expect(registrations.apply({ entries, changed })).toMatchObject({
      limited: ['firmware'],
      rejected: [],
    });
    expect(taken(registrations)).toEqual([3, 4, 5]);
    expect(registrations.refused('firmware')).toEqual({ rejected: 0, overLimit: 2 });
    etcd.put(key(6));
    expect(registrations.apply(etcd.next()).limited).toEqual([]);
  });

  it('counts the bytes of a value, not its characters', () => {
    const etcd = views();
    const registrations = limited({ bytes: 40 });
    etcd.put(key(1), `{"meta":{"a":"${'ü'.repeat(12)}"}}`);
    etcd.put(key(2), `{"meta":{"a":"${'ü'.repeat(11)}"}}`);
    registrations.apply(etcd.next());
    expect(taken(registrations)).toEqual([2]);
    etcd.del(key(2));
    etcd.put(key(1), 'ü'.repeat(21));
    registrations.apply(etcd.next());
    expect(registrations.refused('firmware')).toEqual({ rejected: 0, overLimit: 1 });
  });

  it('compares the create revisions of keys, not the revisions of their last writes', () => {
    const etcd = views();
    const registrations = limited({});
    for (const n of [1, 2, 3, 4]) etcd.put(key(n));
    const { entries } = etcd.next();
    const renewed = [...entries].map(
      ([name, entry], i) => [name, { ...entry, created: i, revision: 9 - i }] as const,
    );
    registrations.apply({ entries: new Map(renewed), changed: new Set(entries.keys()) });
    expect(taken(registrations)).toEqual([1, 2, 3]);
  });

  it('replaces no accepted instance by a newer one, and fills a free place with the oldest that waits', () => {
    const etcd = views();
    const registrations = limited({});
    for (const n of [1, 2, 3]) etcd.put(key(n));
    registrations.apply(etcd.next());
    for (const n of [4, 5]) etcd.put(key(n));
    for (const n of [1, 2, 3]) etcd.put(key(n), '{"weight":2}');
    registrations.apply(etcd.next());
    expect(taken(registrations)).toEqual([1, 2, 3]);
    etcd.del(key(2));
    etcd.put(key(6));
    registrations.apply(etcd.next());
    expect(taken(registrations)).toEqual([1, 3, 4]);
  });

  it('bounds the bytes of the values, and rejects a value that exceeds them but keeps the last good one', () => {
    const etcd = views();
    const registrations = limited({ bytes: 60 });
    etcd.put(key(1), '{"weight":3}');
    etcd.put(key(2), JSON.stringify({ meta: { a: 'é'.repeat(12) } }));
    etcd.put(key(3), '{"weight":5,"meta":{"a":"b"}}');
    registrations.apply(etcd.next());
    expect(taken(registrations)).toEqual([1, 2]);
    etcd.put(key(1), JSON.stringify({ weight: 4, meta: { a: 'x'.repeat(30) } }));
    expect(registrations.apply(etcd.next()).rejected).toMatchObject([{ key: key(1) }]);
    expect(desiredServers(registrations, ['firmware']).get('10.0.1.1:80' as Address)).toMatchObject({
      parameters: { weight: 3 },
    });
  });

  it('says why it refuses a value that grows beyond the limit', () => {
    const etcd = views();
    const registrations = limited({ bytes: 20 });
    etcd.put(key(1));
    registrations.apply(etcd.next());
    etcd.put(key(1), ' '.repeat(21));
    const reason = 'the values of firmware are more than 20 bytes (limits.bytes)';
    expect(registrations.apply(etcd.next())).toMatchObject({ rejected: [{ reason }], limited: [] });
  });

  it('makes room by what is gone before it takes what is new', () => {
    const etcd = views();
    const registrations = limited({ instances: 1 });
    etcd.put(key(1));
    registrations.apply(etcd.next());
    etcd.put(key(2));
    etcd.del(key(1));
    expect(registrations.apply(etcd.next()).limited).toEqual([]);
    expect(taken(registrations)).toEqual([2]);
  });

  it('counts a value that is too long to be read by the longest that is', () => {
    const etcd = views();
    const registrations = limited({ bytes: MAX_VALUE_LENGTH });
    etcd.put(key(1), 'x'.repeat(2 * MAX_VALUE_LENGTH));
    expect(registrations.apply(etcd.next())).toMatchObject({
      rejected: [{ reason: expect.stringContaining('characters') }],
    });
    etcd.put(key(2), 'x');
    expect(registrations.apply(etcd.next()).limited).toEqual(['firmware']);
  });

  it('counts a value that was too long to be kept by the longest that is read', () => {
    const registrations = limited({ bytes: MAX_VALUE_LENGTH - 1 });
    const entry = { key: key(1), value: '', revision: 1, oversized: 1_000_000 };
    const { limited: services } = registrations.apply({
      entries: new Map([[key(1), entry]]),
      changed: new Set([key(1)]),
    });
    expect(services).toEqual(['firmware']);
  });

  it('has nothing left of a key that went while it waited', () => {
    const etcd = views();
    const registrations = limited({ instances: 1 });
    for (const n of [1, 2]) etcd.put(key(n));
    registrations.apply(etcd.next());
    for (const n of [1, 2]) etcd.del(key(n));
    registrations.apply(etcd.next());
    expect(registrations.refused('firmware')).toEqual({ rejected: 0, overLimit: 0 });
    expect(registrations.forget('firmware')).toBe(true);
  });

  it('does not affect other services', () => {
    const etcd = views();
    const registrations = limited({});
    for (let n = 1; n < 100; n++) etcd.put(key(n));
    etcd.put(key(1, 'mqtt'));
    registrations.apply(etcd.next());
    expect(registrations.get('mqtt').size).toBe(1);
  });
});
