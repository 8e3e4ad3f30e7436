import { describe, expect, it } from 'vitest';
import { type Networks, parseNetwork } from '../../../../src/core/address.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Registrations } from '../../../../src/core/registrations.js';
import { fc } from '../../../support/property.js';
import { A, views } from '../support/registrations.js';

describe('the addresses that registrations may have', () => {
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

    it('says nothing of keys that name no instance, which stay rejected', () => {
      const etcd = views();
      const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
      etcd.put('/services/firmware/nowhere');
      const { entries, changed } = etcd.next();
      registrations.apply({ entries, changed });
      expect(registrations.ownAddressesChanged(own('10.0.0.1'), entries).rejected).toEqual([]);
      expect(registrations.rejected).toMatchObject([{ key: '/services/firmware/nowhere' }]);
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
