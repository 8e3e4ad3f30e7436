import { describe, expect, it } from 'vitest';
import { desiredServers } from '../../../../src/core/desired.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Registrations } from '../../../../src/core/registrations.js';
import { A, ADDRESS, views } from '../support/registrations.js';

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
