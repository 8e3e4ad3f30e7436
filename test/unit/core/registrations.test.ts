import { describe, expect, it } from 'vitest';
import { type Address, parseNetwork } from '../../../src/core/address.js';
import { desiredServers } from '../../../src/core/desired.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import type { KeyValue } from '../../../src/core/ports.js';
import { Registrations } from '../../../src/core/registrations.js';

/** A registry of entries, and what changed since last asked. */
function views() {
  const entries = new Map<string, KeyValue>();
  let changed = new Set<string>();
  let revision = 0;
  return {
    put(key: string, value = '{}') {
      entries.set(key, { key, value, revision: ++revision });
      changed.add(key);
      return revision;
    },
    del(key: string) {
      entries.delete(key);
      changed.add(key);
    },
    next() {
      const view = { entries: new Map(entries), changed };
      changed = new Set();
      return view;
    },
  };
}

const A = '/services/firmware/10.0.0.1:80';
const ADDRESS = '10.0.0.1:80' as Address;

describe('Registrations', () => {
  it('rejects a value that is too long, and keeps the last good one', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put(A, '{"weight":3}');
    registrations.apply(etcd.next());

    const view = etcd.next();
    const entry = { key: A, value: '', revision: 9, oversized: 1_000_000 };
    const { rejected } = registrations.apply({
      entries: new Map([[A, entry]]),
      changed: view.changed.add(A),
    });

    const reason = 'value must be at most 16384 characters, got 1000000 bytes';
    expect(rejected).toEqual([{ key: A, service: 'firmware', revision: 9, reason }]);
    expect(registrations.get('firmware').get(ADDRESS)?.decoded).toMatchObject({
      status: 'accepted',
      registration: { parameters: { weight: 3 } },
    });
  });

  it('returns which services a view changes, and reads only what changed', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put(A);
    etcd.put('/services/mqtt/10.0.0.1:1883');
    expect([...registrations.apply(etcd.next()).instances.keys()].sort()).toEqual(['firmware', 'mqtt']);
    etcd.put(A, '{"weight":2}');
    expect([...registrations.apply(etcd.next()).instances.keys()]).toEqual(['firmware']);
    expect(registrations.apply(etcd.next()).instances.size).toBe(0);
  });

  it('reports a bad key once for each time it is written', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put('/services/firmware/nohost');
    expect(registrations.apply(etcd.next()).rejected).toHaveLength(1);
    etcd.put(A);
    expect(registrations.apply(etcd.next()).rejected).toHaveLength(0);
    expect(registrations.rejected).toHaveLength(1);
    etcd.del('/services/firmware/nohost');
    registrations.apply(etcd.next());
    expect(registrations.rejected).toHaveLength(0);
  });

  it('counts two spellings of one address as one instance, with the newer value', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put('/services/firmware/[2001:db8::1]:80', '{"weight":1}');
    etcd.put('/services/firmware/[2001:DB8::1]:80', '{"weight":2}');
    registrations.apply(etcd.next());
    const servers = desiredServers(registrations, ['firmware']);
    expect([...servers.values()]).toMatchObject([{ parameters: { weight: 2 } }]);
    etcd.del('/services/firmware/[2001:DB8::1]:80');
    registrations.apply(etcd.next());
    expect([...desiredServers(registrations, ['firmware']).values()]).toMatchObject([
      { parameters: { weight: 1 } },
    ]);
  });

  it('keeps the newer of two spellings of one address, in whatever order it sees them', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    for (const [key, weight] of [
      ['[2001:db8::1]:80', 1],
      ['[2001:DB8::1]:80', 2],
      ['[2001:db8::1]:80', 3],
    ] as const) {
      etcd.put(`/services/firmware/${key}`, JSON.stringify({ weight }));
      registrations.apply(etcd.next());
    }
    const servers = desiredServers(registrations, ['firmware']);
    expect([...servers.values()]).toMatchObject([{ parameters: { weight: 3 } }]);
  });

  it('keeps prefixes apart on exact boundaries', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put('/services/mqtt-lab/10.0.0.1:1883');
    registrations.apply(etcd.next());
    expect(registrations.get('mqtt').size).toBe(0);
    expect(registrations.get('mqtt-lab').size).toBe(1);
  });

  it('counts a service as seen only after a good registration of it', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put(A, '{"weight":-1}');
    registrations.apply(etcd.next());
    expect([...registrations.services]).toEqual([]);
    etcd.put(A);
    registrations.apply(etcd.next());
    etcd.del(A);
    registrations.apply(etcd.next());
    expect([...registrations.services]).toEqual(['firmware']);
  });

  it('keeps the last good value of an instance whose value became unreadable', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const wanted = () => desiredServers(registrations, ['firmware']).get(ADDRESS);
    etcd.put(A, '{"weight":3}');
    registrations.apply(etcd.next());
    for (const value of ['{"weight":-1}', '{"weight":-2}']) {
      etcd.put(A, value);
      expect(registrations.apply(etcd.next()).rejected).toHaveLength(1);
      expect(wanted()).toMatchObject({ intent: 'serve', parameters: { weight: 3 } });
    }
    etcd.del(A);
    registrations.apply(etcd.next());
    expect(wanted()).toBeUndefined();
    etcd.put(A, '{"weight":-1}');
    registrations.apply(etcd.next());
    expect(wanted()?.intent).toBe('keep');
  });

  it('rejects the one key that fails because of a defect, and reads the others', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put(A, '{"weight":3}');
    registrations.apply(etcd.next());
    etcd.put(A);
    etcd.put('/services/firmware/10.0.0.2:80');
    etcd.put('/sidekick/maintenance/firmware/10.0.0.2:80');
    const view = etcd.next();
    const faulty = new Map(view.entries);
    faulty.set(A, {
      key: A,
      revision: 2,
      get value(): string {
        throw new RangeError('Maximum call stack size exceeded');
      },
    });
    const change = registrations.apply({ ...view, entries: faulty });
    expect(change.rejected).toMatchObject([{ key: A, reason: expect.stringMatching(/could not be read/) }]);
    expect(desiredServers(registrations, ['firmware']).get(ADDRESS)).toMatchObject({
      intent: 'serve',
      parameters: { weight: 3 },
    });
    expect(registrations.get('firmware').size).toBe(2);
  });

  describe('with limits', () => {
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

    it('does not affect other services', () => {
      const etcd = views();
      const registrations = limited({});
      for (let n = 1; n < 100; n++) etcd.put(key(n));
      etcd.put(key(1, 'mqtt'));
      registrations.apply(etcd.next());
      expect(registrations.get('mqtt').size).toBe(1);
    });
  });

  it('forgets a service whose keys are all gone, except its name until that is forgotten', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put(A);
    registrations.apply(etcd.next());
    expect(registrations.forget('firmware')).toBe(false);
    const { names } = registrations;
    etcd.del(A);
    registrations.apply(etcd.next());
    expect(registrations.names).toBe(names);
    expect(registrations.forget('firmware')).toBe(true);
    expect(registrations.names).not.toBe(names);
    expect([...registrations.services]).toEqual([]);
  });

  it('rejects addresses that are not allowed for the service', () => {
    const network = parseNetwork('192.168.0.0/16');
    if (!network.ok) throw new Error(network.reason);
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES, { allow: { firmware: [network.value] } });
    etcd.put(A);
    etcd.put('/services/firmware/192.168.1.1:80');
    expect(registrations.apply(etcd.next()).rejected).toMatchObject([{ key: A }]);
    expect([...registrations.get('firmware').keys()]).toEqual(['192.168.1.1:80']);
  });
});

describe('desiredServers', () => {
  function desired(setup: (etcd: ReturnType<typeof views>) => void, services = ['firmware', 'other']) {
    const etcd = views();
    setup(etcd);
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    registrations.apply(etcd.next());
    return desiredServers(registrations, services).get(ADDRESS);
  }

  it.each([
    ['{}', 'serve'],
    ['{"drain":true}', 'drain'],
    ['{"weight":-1}', 'keep'],
    ['anything', 'serve'],
  ])('decides for %s: %s', (value, intent) => {
    expect(desired((etcd) => etcd.put(A, value))?.intent).toBe(intent);
  });

  it("drains an instance at an operator's request, serving or unreadable", () => {
    for (const value of ['{}', '{"weight":-1}']) {
      const server = desired((etcd) => {
        etcd.put(A, value);
        etcd.put('/sidekick/maintenance/firmware/10.0.0.1:80');
      });
      expect(server).toMatchObject({ intent: 'drain', requests: [{ service: 'firmware', revision: 2 }] });
    }
  });

  it('uses the newer of two requests', () => {
    const server = desired((etcd) => {
      etcd.put('/sidekick/maintenance/firmware/10.0.0.1:80');
      etcd.put(A, '{"drain":true}');
    });
    expect(server?.requests).toMatchObject([{ revision: 2 }]);
  });

  it('serves an instance as long as one of several services wants it, with the parameters of that one', () => {
    const server = desired((etcd) => {
      etcd.put(A, '{"drain":true,"weight":2}');
      etcd.put('/services/other/10.0.0.1:80', '{"weight":3}');
    });
    expect(server).toMatchObject({ intent: 'serve', parameters: { weight: 3 } });
    expect(server?.requests).toMatchObject([{ service: 'firmware' }]);
  });

  it("contains no instance because of an operator's request alone", () => {
    expect(desired((etcd) => etcd.put('/sidekick/maintenance/firmware/10.0.0.1:80'))).toBeUndefined();
  });
});
