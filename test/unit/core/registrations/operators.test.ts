import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Registrations } from '../../../../src/core/registrations.js';
import { A, ADDRESS, views } from '../support/registrations.js';

describe("registrations and operators' requests", () => {
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
});
