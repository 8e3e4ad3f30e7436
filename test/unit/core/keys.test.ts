import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import {
  DEFAULT_KEY_PREFIXES,
  drainedKey,
  drainedRoot,
  type Instance,
  maintenanceKey,
  maintenancePrefix,
  parseInstance,
  parseService,
  registrationKey,
  serviceIn,
  servicePrefix,
  unholdKey,
  unholdPrefix,
  watcherKey,
  watchersPrefix,
} from '../../../src/core/keys.js';

const INSTANCE: Instance = { service: 'firmware', address: '10.0.0.1:80' as Address };
const PREFIXES = { services: '/s/', control: '/c/' };

describe('the layout of the keys in etcd', () => {
  it('begins with /services/ and /sidekick/ by default', () => {
    expect(DEFAULT_KEY_PREFIXES).toEqual({ services: '/services/', control: '/sidekick/' });
  });

  it.each([
    ['a registration', registrationKey(PREFIXES, INSTANCE), '/s/firmware/10.0.0.1:80'],
    ['the registrations of a service', servicePrefix(PREFIXES, 'firmware'), '/s/firmware/'],
    ['all watchers', watchersPrefix(PREFIXES), '/c/watchers/'],
    ['a watcher', watcherKey(PREFIXES, 'lb1'), '/c/watchers/lb1'],
    ['all requests of operators to drain', maintenancePrefix(PREFIXES), '/c/maintenance/'],
    [
      'an operator’s request to drain',
      maintenanceKey(PREFIXES, INSTANCE),
      '/c/maintenance/firmware/10.0.0.1:80',
    ],
    ['all requests to end holds', unholdPrefix(PREFIXES), '/c/unhold/'],
    ['a request to end the holds of a service', unholdKey(PREFIXES, 'firmware'), '/c/unhold/firmware'],
    ['all acknowledgements', drainedRoot(PREFIXES), '/c/drained/'],
    ['an acknowledgement', drainedKey(PREFIXES, INSTANCE, 'lb1'), '/c/drained/firmware/10.0.0.1:80/lb1'],
  ])('contains the key of %s', (_, key, expected) => {
    expect(key).toBe(expected);
  });
});

describe('parseService', () => {
  it.each(['a', '7', 'Firmware', 'mqtt.lab_1-b', 'x'.repeat(128)])('accepts %s', (name) => {
    expect(parseService(name)).toEqual({ ok: true, value: name });
  });

  it.each(['', '.a', '_a', '-a', 'a b', 'a/b', 'ä', 'a\n', '\na', 'x'.repeat(129)])(
    'refuses %j and says what a name is',
    (name) => {
      expect(parseService(name)).toMatchObject({
        ok: false,
        reason: expect.stringMatching(
          /^service must be letters, digits, "_", "\." or "-" \(at most 128\), got "/,
        ),
      });
    },
  );
});

describe('serviceIn', () => {
  it.each([
    ['/services/firmware/10.0.0.1:80', 'firmware'],
    ['/services/firmware/what follows does not matter', 'firmware'],
    ['/services/firmware', 'firmware'],
    [`/services/${'x'.repeat(128)}/10.0.0.1:80`, 'x'.repeat(128)],
  ])('finds the name in %s', (key, service) => {
    expect(serviceIn('/services/', key)).toBe(service);
  });

  it.each([
    ['another prefix', '/sidekick/firmware/10.0.0.1:80'],
    ['no name', '/services/'],
    ['no name before the address', '/services//10.0.0.1:80'],
    ['what is no name', '/services/-x/10.0.0.1:80'],
    ['a name that is too long', `/services/${'x'.repeat(129)}/10.0.0.1:80`],
    ['a name that is much too long', `/services/${'x'.repeat(100_000)}`],
  ])('finds none in a key with %s', (_, key) => {
    expect(serviceIn('/services/', key)).toBeUndefined();
  });
});

describe('parseInstance', () => {
  it('reads the service and the address that follow the prefix', () => {
    expect(parseInstance('/services/', '/services/firmware/10.0.0.1:80')).toEqual({
      ok: true,
      value: INSTANCE,
    });
  });

  it.each([
    ['/services/firmware', 'key must be /services/<service>/<host>:<port>'],
    ['/another/firmware/10.0.0.1:80', 'key must be /services/<service>/<host>:<port>'],
    ['firmware/10.0.0.1:80', 'key must be /services/<service>/<host>:<port>'],
    ['/services//10.0.0.1:80', 'service must be'],
    ['/services/-x/10.0.0.1:80', 'service must be'],
    ['/services/firmware/', 'host:port'],
    ['/services/firmware/10.0.0.1:0', '1 to 65535'],
  ])('refuses %s and says why', (key, reason) => {
    expect(parseInstance('/services/', key)).toMatchObject({
      ok: false,
      reason: expect.stringContaining(reason),
    });
  });
});
