import { describe, expect, it } from 'vitest';
import { type Address, type Networks, parseNetwork } from '../../../src/core/address.js';
import { desiredServers } from '../../../src/core/desired.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import type { KeyValue } from '../../../src/core/ports.js';
import { MAX_VALUE_LENGTH } from '../../../src/core/registration-codec.js';
import { Registrations } from '../../../src/core/registrations.js';
import { fc } from '../../support/property.js';

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
    expect(change.rejected).toMatchObject([
      { key: A, revision: 2, reason: 'could not be read: "Maximum call stack size exceeded"' },
    ]);
    expect(desiredServers(registrations, ['firmware']).get(ADDRESS)).toMatchObject({
      intent: 'serve',
      parameters: { weight: 3 },
    });
    expect(registrations.get('firmware').size).toBe(2);
  });

  it('keeps what cannot be read in the newer of two spellings of one address', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put('/services/firmware/[2001:db8::1]:80', '{"weight":3}');
    etcd.put('/services/firmware/[2001:DB8::1]:80', '{"weight":-1}');
    registrations.apply(etcd.next());
    expect(registrations.desired('firmware').get('[2001:db8::1]:80' as Address)?.intent).toBe('keep');
  });

  it('tells what it ignores in a value', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const revision = etcd.put(A, '{"meta":5}');
    const reason = 'meta must be an object of strings: ignored';
    expect(registrations.apply(etcd.next())).toMatchObject({
      rejected: [],
      warnings: [{ key: A, service: 'firmware', revision, reason }],
    });
  });

  it('rejects a value that cannot be read until one can', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const revision = etcd.put(A, '{"drain":"yes"}');
    registrations.apply(etcd.next());
    const reason = 'drain must be true or false, got "yes"';
    expect(registrations.rejected).toEqual([{ key: A, service: 'firmware', revision, reason }]);
    expect(registrations.refused('firmware')).toEqual({ rejected: 1, overLimit: 0 });
    etcd.put(A);
    registrations.apply(etcd.next());
    expect(registrations.rejected).toEqual([]);
    expect(registrations.refused('firmware')).toEqual({ rejected: 0, overLimit: 0 });
  });

  it('rejects a key that names no service for as long as it is there', () => {
    const key = '/services/-x/10.0.0.1:80';
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const revision = etcd.put(key);
    const rejection = { key, revision, reason: expect.stringContaining('service must be') };
    expect(registrations.apply(etcd.next()).rejected).toEqual([rejection]);
    expect(registrations.rejected).toEqual([rejection]);
    etcd.del(key);
    expect([...registrations.apply(etcd.next()).touched]).toEqual([]);
    expect(registrations.rejected).toEqual([]);
  });

  it('leaves all other keys alone', () => {
    const etcd = views();
    const registrations = new Registrations({ services: '/s/', control: '/c/' });
    for (const key of [A, '/c/watchers/firmware/10.0.0.1:80', '/c/maintenance/firmware', '/']) etcd.put(key);
    expect(registrations.apply(etcd.next())).toEqual({
      instances: new Map(),
      gone: [],
      touched: new Set(),
      rejected: [],
      warnings: [],
      limited: [],
    });
    expect(registrations.maintenance).toEqual([]);
  });

  it('tells of every service any of whose keys has changed, taken or not', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const touched = () => [...registrations.apply(etcd.next()).touched];
    for (const key of [
      '/services/a/nohost',
      '/services/b/10.0.0.1:80',
      '/sidekick/maintenance/c/10.0.0.1:80',
    ]) {
      etcd.put(key);
    }
    expect(touched()).toEqual(['a', 'b', 'c']);
    for (const key of [
      '/services/a/nohost',
      '/services/b/10.0.0.1:80',
      '/sidekick/maintenance/c/10.0.0.1:80',
    ]) {
      etcd.del(key);
    }
    expect(touched()).toEqual(['a', 'b', 'c']);
  });

  it('tells of every instance that has changed, and of none that was never there', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const changed = () => {
      const { instances, rejected } = registrations.apply(etcd.next());
      expect(rejected).toEqual([]);
      return Object.fromEntries(instances);
    };
    etcd.put(A);
    etcd.put('/services/firmware/10.0.0.2:80');
    expect(changed()).toEqual({ firmware: new Set(['10.0.0.1:80', '10.0.0.2:80']) });
    etcd.del('/services/firmware/10.0.0.2:80');
    etcd.del('/services/firmware/10.0.0.3:80');
    etcd.del('/services/mqtt/10.0.0.3:1883');
    expect(changed()).toEqual({ firmware: new Set(['10.0.0.2:80']) });
  });

  it('counts the instances of which a registration was taken, each once', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const counts: number[] = [];
    for (const change of [
      () => etcd.put('/services/firmware/[2001:db8::1]:80'),
      () => etcd.put('/services/firmware/[2001:DB8::1]:80'),
      () => etcd.put(A, '{"weight":-1}'),
      () => etcd.put(A),
      () => etcd.put(A, '{"weight":-1}'),
      () => etcd.del('/services/firmware/[2001:db8::1]:80'),
      () => etcd.del('/services/firmware/[2001:DB8::1]:80'),
      () => etcd.put('/sidekick/maintenance/firmware/10.0.0.9:80'),
      () => etcd.del(A),
    ]) {
      change();
      registrations.apply(etcd.next());
      counts.push(registrations.accepted('firmware'));
    }
    expect(counts).toEqual([1, 1, 1, 2, 2, 2, 1, 1, 0]);
    expect(registrations.accepted('unknown')).toBe(0);
  });

  it('has the newest request to drain each instance, until it is taken back or the instance is gone', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const requests = () => {
      registrations.apply(etcd.next());
      return [...registrations.drainRequests('firmware')];
    };
    etcd.put(A, '{"drain":true}');
    etcd.put('/services/firmware/10.0.0.2:80');
    etcd.put('/sidekick/maintenance/firmware/10.0.0.2:80');
    expect(requests()).toEqual([
      ['10.0.0.1:80', 1],
      ['10.0.0.2:80', 3],
    ]);
    etcd.put(A);
    expect(requests()).toEqual([['10.0.0.2:80', 3]]);
    etcd.del('/services/firmware/10.0.0.2:80');
    expect(requests()).toEqual([]);
    expect(registrations.get('firmware').has('10.0.0.2:80' as Address)).toBe(false);
    expect(registrations.desired('firmware').has('10.0.0.2:80' as Address)).toBe(false);
    expect(registrations.drainRequests('unknown').size).toBe(0);
  });

  it('knows the newest revision that it was told of', () => {
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const empty = { entries: new Map(), changed: new Set<string>() };
    const revisions = [undefined, 5, 3, undefined, 9].map((revision) => {
      registrations.apply(revision === undefined ? empty : { ...empty, revision });
      return registrations.revision;
    });
    expect(revisions).toEqual([0, 5, 5, 5, 9]);
  });

  it('tells how each instance went, once all its keys are gone', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const gone = () => registrations.apply(etcd.next()).gone;
    etcd.put('/services/firmware/[2001:db8::1]:80', '{"drain":true}');
    etcd.put('/services/firmware/[2001:DB8::1]:80', '{"drain":true}');
    etcd.put(A);
    expect(gone()).toEqual([]);
    etcd.del('/services/firmware/[2001:db8::1]:80');
    expect(gone()).toEqual([]);
    etcd.del('/services/firmware/[2001:DB8::1]:80');
    etcd.del(A);
    expect(gone()).toEqual([
      { service: 'firmware', address: '[2001:db8::1]:80', cause: { kind: 'deregistered' } },
      { service: 'firmware', address: '10.0.0.1:80', cause: { kind: 'key-deleted' } },
    ]);
    etcd.del(A);
    expect(gone()).toEqual([]);
  });

  it('knows when an operator ended a drain, until the key is written again', () => {
    const MAINTENANCE = '/sidekick/maintenance/firmware/10.0.0.1:80';
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const undrained: (number | undefined)[] = [];
    let revision = 100;
    for (const change of [
      () => etcd.put(A),
      () => etcd.put(MAINTENANCE),
      () => etcd.del(MAINTENANCE),
      () => etcd.del(MAINTENANCE),
      () => etcd.put(A),
    ]) {
      change();
      registrations.apply({ ...etcd.next(), revision: ++revision });
      undrained.push(registrations.get('firmware').get(ADDRESS)?.undrained);
    }
    expect(undrained).toEqual([undefined, undefined, 103, 103, undefined]);
    expect(registrations.get('firmware').get(ADDRESS)).not.toHaveProperty('undrained');
  });

  it('tells what operators have taken out, registered or not, and what they said', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put('/sidekick/maintenance/firmware/10.0.0.1:80', '{"by":"root@lb1"}');
    etcd.put('/sidekick/maintenance/mqtt/10.0.0.1:1883', 'anything');
    registrations.apply(etcd.next());
    expect(registrations.maintenance).toEqual([
      { service: 'firmware', address: '10.0.0.1:80', by: 'root@lb1' },
      { service: 'mqtt', address: '10.0.0.1:1883' },
    ]);
    etcd.del('/sidekick/maintenance/firmware/10.0.0.1:80');
    registrations.apply(etcd.next());
    expect(registrations.maintenance).toEqual([{ service: 'mqtt', address: '10.0.0.1:1883' }]);
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

  it.each([
    ['a key that is not taken', '/services/firmware/nohost'],
    ['what an operator has taken out', '/sidekick/maintenance/firmware/10.0.0.9:80'],
  ])('does not forget a service of which there still is %s', (_, key) => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put(A);
    etcd.put(key);
    registrations.apply(etcd.next());
    etcd.del(A);
    registrations.apply(etcd.next());
    expect(registrations.forget('firmware')).toBe(false);
    etcd.del(key);
    registrations.apply(etcd.next());
    expect(registrations.forget('firmware')).toBe(true);
  });

  it('knows the services that were registered before it began, and forgets each once', () => {
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES, {}, ['firmware', 'mqtt']);
    expect([...registrations.services]).toEqual(['firmware', 'mqtt']);
    expect([registrations.forget('mqtt'), registrations.forget('mqtt')]).toEqual([true, false]);
    expect([...registrations.services]).toEqual(['firmware']);
  });

  it('has other names when a service is new, and the same while none is', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const { names } = registrations;
    etcd.put(A);
    registrations.apply(etcd.next());
    const after = registrations.names;
    expect(after).not.toBe(names);
    etcd.put('/services/firmware/10.0.0.2:80');
    registrations.apply(etcd.next());
    expect(registrations.names).toBe(after);
  });

  it('keeps out the load balancer’s own addresses', () => {
    const own = parseNetwork('10.0.0.1');
    if (!own.ok) throw new Error(own.reason);
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES, { own: [own.value] });
    const revision = etcd.put(A);
    etcd.put('/services/firmware/10.0.0.2:80');
    expect(registrations.apply(etcd.next()).rejected).toMatchObject([
      { key: A, service: 'firmware', revision, reason: expect.not.stringContaining('could not be read') },
    ]);
    expect([...registrations.get('firmware').keys()]).toEqual(['10.0.0.2:80']);
  });

  describe("when the load balancer's own addresses change", () => {
    const OTHER = '/services/firmware/10.0.0.2:80';
    const THIRD = '/services/firmware/10.0.0.3:80';

    function own(...texts: string[]): Networks {
      return texts.map((text) => {
        const network = parseNetwork(text);
        if (!network.ok) throw new Error(network.reason);
        return network.value;
      });
    }

    it('refuses what is at those that came, takes what was at those that went, and tells of nothing else', () => {
      const etcd = views();
      const registrations = new Registrations(DEFAULT_KEY_PREFIXES, { own: own('10.0.0.1') });
      for (const key of [A, OTHER, THIRD]) etcd.put(key);
      const { entries, changed } = etcd.next();
      registrations.apply({ entries, changed });
      const change = registrations.ownAddressesChanged(own('10.0.0.2'), entries);
      expect(change.instances).toEqual(new Map([['firmware', new Set(['10.0.0.1:80', '10.0.0.2:80'])]]));
      expect(change.rejected).toMatchObject([{ key: OTHER }]);
      expect(change.gone).toEqual([]);
      expect([...registrations.get('firmware').keys()].sort()).toEqual(['10.0.0.1:80', '10.0.0.3:80']);
      expect(registrations.accepted('firmware')).toBe(2);
    });

    it('tells of nothing where no key is refused for another reason than before', () => {
      const etcd = views();
      const rules = { own: own('10.0.0.1'), allow: { firmware: own('192.168.0.0/16') } };
      const registrations = new Registrations(DEFAULT_KEY_PREFIXES, rules);
      for (const key of [A, OTHER]) etcd.put(key);
      const { entries, changed } = etcd.next();
      registrations.apply({ entries, changed });
      expect(registrations.ownAddressesChanged(own('10.0.0.2', '10.0.0.9'), entries)).toEqual({
        instances: new Map(),
        gone: [],
        touched: new Set(),
        rejected: [],
        warnings: [],
        limited: [],
      });
    });

    it('gives the room of what it refuses to what waits', () => {
      const etcd = views();
      const limits = { instances: 1, bytes: 1_000 };
      const registrations = new Registrations(DEFAULT_KEY_PREFIXES, { limits });
      etcd.put(A);
      etcd.put(OTHER);
      const { entries, changed } = etcd.next();
      registrations.apply({ entries, changed });
      expect([...registrations.get('firmware').keys()]).toEqual(['10.0.0.1:80']);
      registrations.ownAddressesChanged(own('10.0.0.1'), entries);
      expect([...registrations.get('firmware').keys()]).toEqual(['10.0.0.2:80']);
      expect(registrations.refused('firmware')).toEqual({ rejected: 1, overLimit: 0 });
    });

    it('comes to what it would have come to with these addresses from the start', () => {
      const host = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.1.0.1', '[::ffff:10.0.0.1]', '[2001:db8::1]');
      const addresses = fc.subarray(['10.0.0.1', '10.0.0.2', '10.1.0.0/16', '2001:db8::1', '127.0.0.0/8']);
      fc.assert(
        fc.property(fc.uniqueArray(host), fc.array(addresses, { minLength: 2 }), (hosts, steps) => {
          const etcd = views();
          for (const each of hosts) etcd.put(`/services/firmware/${each}:80`);
          const { entries, changed } = etcd.next();
          const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
          registrations.apply({ entries, changed });
          for (const step of steps) {
            registrations.ownAddressesChanged(own(...step), entries);
            const fresh = new Registrations(DEFAULT_KEY_PREFIXES, { own: own(...step) });
            fresh.apply({ entries, changed });
            expect(contentsOf(registrations)).toEqual(contentsOf(fresh));
          }
        }),
      );
    });

    function contentsOf(registrations: Registrations) {
      const rejected = new Map(registrations.rejected.map(({ key, reason }) => [key, reason]));
      return {
        instances: registrations.get('firmware'),
        desired: registrations.desired('firmware'),
        rejected,
      };
    }
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
