import { describe, expect, it } from 'vitest';
import { type Address, parseNetwork } from '../../../src/core/address.js';
import { desiredServers } from '../../../src/core/desired.js';
import { DEFAULT_KEY_SPACE } from '../../../src/core/keys.js';
import type { Entry } from '../../../src/core/ports.js';
import { Registrations } from '../../../src/core/registrations.js';

/** A registry of entries, and what changed since last asked. */
function views() {
  const entries = new Map<string, Entry>();
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
  it('rejects a value that was too long to be kept, and keeps the last good one', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_SPACE);
    etcd.put(A, '{"weight":3}');
    registrations.apply(etcd.next());

    const view = etcd.next();
    const entry = { key: A, value: '', revision: 9, oversized: 1_000_000 };
    const { rejected } = registrations.apply({
      entries: new Map([[A, entry]]),
      changed: view.changed.add(A),
    });

    const reason = 'value must be at most 16384 characters, got 1000000 bytes';
    expect(rejected).toEqual([{ key: A, revision: 9, reason }]);
    expect(registrations.get('firmware').get(ADDRESS)?.decoded).toMatchObject({
      status: 'accepted',
      registration: { parameters: { weight: 3 } },
    });
  });

  it('tells which services a view changes, and reads only what changed', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_SPACE);
    etcd.put(A);
    etcd.put('/services/mqtt/10.0.0.1:1883');
    expect([...registrations.apply(etcd.next()).services].sort()).toEqual(['firmware', 'mqtt']);
    etcd.put(A, '{"weight":2}');
    expect([...registrations.apply(etcd.next()).services]).toEqual(['firmware']);
    expect(registrations.apply(etcd.next()).services.size).toBe(0);
  });

  it('tells of a bad key once for each time it is written', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_SPACE);
    etcd.put('/services/firmware/nohost');
    expect(registrations.apply(etcd.next()).rejected).toHaveLength(1);
    etcd.put(A);
    expect(registrations.apply(etcd.next()).rejected).toHaveLength(0);
    expect(registrations.rejected).toHaveLength(1);
    etcd.del('/services/firmware/nohost');
    registrations.apply(etcd.next());
    expect(registrations.rejected).toHaveLength(0);
  });

  it('takes two spellings of one address for one instance: the newer counts', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_SPACE);
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

  it('keeps prefixes apart on exact boundaries', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_SPACE);
    etcd.put('/services/mqtt-lab/10.0.0.1:1883');
    registrations.apply(etcd.next());
    expect(registrations.get('mqtt').size).toBe(0);
    expect(registrations.get('mqtt-lab').size).toBe(1);
  });

  it('counts a service as seen only once a registration of it was good', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_SPACE);
    etcd.put(A, '{"weight":-1}');
    registrations.apply(etcd.next());
    expect([...registrations.services]).toEqual([]);
    etcd.put(A);
    registrations.apply(etcd.next());
    etcd.del(A);
    registrations.apply(etcd.next());
    expect([...registrations.services]).toEqual(['firmware']);
  });

  it('goes by the last good word about an instance whose value cannot be read any more', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_SPACE);
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

  it('keeps out addresses that are not allowed for the service', () => {
    const network = parseNetwork('192.168.0.0/16');
    if (!network.ok) throw new Error(network.reason);
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_SPACE, { firmware: [network.value] });
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
    const registrations = new Registrations(DEFAULT_KEY_SPACE);
    registrations.apply(etcd.next());
    return desiredServers(registrations, services).get(ADDRESS);
  }

  it.each([
    ['{}', 'serve'],
    ['{"drain":true}', 'drain'],
    ['{"weight":-1}', 'keep'],
    ['anything', 'serve'],
  ])('of %s is %s', (value, intent) => {
    expect(desired((etcd) => etcd.put(A, value))?.intent).toBe(intent);
  });

  it('lets an operator drain what serves, and what cannot be read', () => {
    for (const value of ['{}', '{"weight":-1}']) {
      const server = desired((etcd) => {
        etcd.put(A, value);
        etcd.put('/sidekick/maintenance/firmware/10.0.0.1:80');
      });
      expect(server).toMatchObject({ intent: 'drain', requests: [{ service: 'firmware', revision: 2 }] });
    }
  });

  it('has the newer of two requests', () => {
    const server = desired((etcd) => {
      etcd.put('/sidekick/maintenance/firmware/10.0.0.1:80');
      etcd.put(A, '{"drain":true}');
    });
    expect(server?.requests).toMatchObject([{ revision: 2 }]);
  });

  it('serves as long as one of several services wants it to, with that one’s parameters', () => {
    const server = desired((etcd) => {
      etcd.put(A, '{"drain":true,"weight":2}');
      etcd.put('/services/other/10.0.0.1:80', '{"weight":3}');
    });
    expect(server).toMatchObject({ intent: 'serve', parameters: { weight: 3 } });
    expect(server?.requests).toMatchObject([{ service: 'firmware' }]);
  });

  it('is not brought into being by an operator’s drain alone', () => {
    expect(desired((etcd) => etcd.put('/sidekick/maintenance/firmware/10.0.0.1:80'))).toBeUndefined();
  });
});
