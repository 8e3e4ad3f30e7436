import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { desiredServers } from '../../../../src/core/desired.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Registrations } from '../../../../src/core/registrations.js';
import { A, ADDRESS, views } from '../support/registrations.js';

describe('what registrations take', () => {
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
});
