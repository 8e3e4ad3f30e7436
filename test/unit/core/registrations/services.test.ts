import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Registrations } from '../../../../src/core/registrations.js';
import { A, views } from '../support/registrations.js';

describe('the services of registrations', () => {
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
});
