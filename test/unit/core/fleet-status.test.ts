import { describe, expect, it } from 'vitest';
import { fleetPrefixes, fleetStatus } from '../../../src/core/fleet-status.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import type { PublishedNginx } from '../../../src/core/published-status.js';
import {
  FLEET_NOW,
  type FleetInEtcd,
  fleetEntries,
  publishedNginx,
  publishedUpstream,
  publishedWatcher,
  statusOf,
  WELL,
  withNginx,
  withUpstream,
} from '../../support/fleet.js';

const A = 'firmware/10.0.0.1:80';

/** The other instance, which NGINX does not send anything to. */
const DOWN = { address: '10.0.0.2:80', state: 'down' };

describe('fleetStatus', () => {
  it('is in sync where every instance is healthy, and up in every NGINX', () => {
    const { inSync, problems, services } = statusOf(WELL);
    expect(problems).toEqual([]);
    expect(inSync).toBe(true);
    expect(services).toMatchObject([
      {
        name: 'firmware',
        registered: 2,
        inSync: 2,
        instances: [
          { address: '10.0.0.1:80', health: 'healthy', since: FLEET_NOW - 5_000, places: [{ state: 'up' }] },
          { address: '10.0.0.2:80', parameters: { weight: 3 }, places: [{ watcher: 'lb1', nginx: 'main' }] },
        ],
      },
    ]);
  });

  it('takes an instance that an operator drains for in sync once NGINX does not have it, and says who drains it', () => {
    const maintenance = { [A]: '{"by":"root@lb1","reason":"new disk"}' };
    const draining = { address: '10.0.0.1:80', state: 'draining', until: FLEET_NOW + 9_000, active: 3 };
    const under = statusOf({ ...withUpstream({ others: [draining] }), maintenance });
    expect(under.inSync).toBe(false);
    expect(under.services[0]?.instances[0]).toMatchObject({
      reason: 'an operator drains it by root@lb1: new disk',
    });
    const done = statusOf({ ...WELL, maintenance });
    expect(done.services[0]?.instances[0]?.places).toMatchObject([{ state: 'drained' }]);
    expect(done.inSync).toBe(true);
  });

  it('knows nothing of what an NGINX has that does not answer', () => {
    const { services } = statusOf(withNginx({ state: 'unavailable' }));
    expect(services[0]?.instances[0]?.places).toMatchObject([{ state: 'unknown' }]);
  });

  it('reads what is registered, drained, alive and published, and nothing else', () => {
    expect(fleetPrefixes(DEFAULT_KEY_PREFIXES)).toEqual([
      '/services/',
      '/sidekick/maintenance/',
      '/sidekick/watchers/',
      '/sidekick/status/',
    ]);
  });

  it('lists services and watchers by their names', () => {
    const { services, watchers } = statusOf({
      registrations: { 'b/10.0.0.1:80': '{}', 'c/10.0.0.1:80': '{}' },
      instances: { 'a/10.0.0.1:80': {} },
      watchers: { lb1: undefined, lb2: publishedWatcher(), lb3: undefined },
    });
    expect(services.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(watchers.map(({ id }) => id)).toEqual(['lb1', 'lb2', 'lb3']);
  });

  it('leaves it to the watchers which addresses are allowed', () => {
    const registrations = { ...WELL.registrations, 'firmware/127.0.0.1:80': '{}' };
    const { problems, services } = statusOf({ ...WELL, registrations });
    expect(problems).toEqual([]);
    expect(services[0]?.registered).toBe(3);
  });

  it('leaves out what nobody can read: a status of no instance, and text that is no status', () => {
    const entries = new Map(fleetEntries(WELL));
    const put = (key: string, value: string) => entries.set(key, { key, value, revision: 99 });
    put('/sidekick/status/instances/firmware/nowhere', '{}');
    put('/sidekick/status/instances/firmware/10.0.0.9:80', 'nonsense');
    put('/sidekick/status/watchers/lb9', 'nonsense');
    expect(fleetStatus(DEFAULT_KEY_PREFIXES, entries, FLEET_NOW)).toEqual(statusOf(WELL));
  });

  it('is not in sync while an instance of one of its services is not', () => {
    const upstreams = [
      publishedUpstream({ others: [DOWN] }),
      publishedUpstream({ name: 'b', services: ['b'] }),
    ];
    const registrations = { ...WELL.registrations, 'b/10.0.0.1:80': '{}' };
    const watchers = { lb1: publishedWatcher({ nginx: [publishedNginx({ upstreams })] }) };
    const status = statusOf({ ...WELL, registrations, watchers });
    expect(status.problems).toEqual([]);
    expect(status.services.map(({ inSync }) => inSync)).toEqual([1, 1]);
    expect(status.inSync).toBe(false);
  });
});

describe('an instance of the fleet', () => {
  /** What is said of 10.0.0.1:80. */
  function instanceOf(fleet: FleetInEtcd) {
    const [first] = statusOf(fleet).services[0]?.instances ?? [];
    return first;
  }

  function withNginxes(...nginx: readonly PublishedNginx[]): FleetInEtcd {
    return { ...WELL, watchers: { lb1: publishedWatcher({ nginx }) } };
  }

  it('is in sync where NGINX has it', () => {
    expect(instanceOf(WELL)).toMatchObject({ registered: true, inSync: true });
  });

  it('is of unknown health, and not since any time, where no registrar says it', () => {
    const instance = instanceOf({ ...WELL, instances: {} });
    expect(instance).toMatchObject({ registered: true, health: 'unknown', inSync: true });
    expect(instance).not.toHaveProperty('since');
    expect(instance).not.toHaveProperty('reason');
    expect(instanceOf({ ...WELL, instances: { [A]: { since: 0 } } })).not.toHaveProperty('since');
  });

  it('is shown with its reason where its registrar says that it is not registered, and is not in sync', () => {
    const said = { health: 'unhealthy', reason: 'ECONNREFUSED', key: 'absent' };
    const instance = instanceOf({ ...WELL, registrations: {}, instances: { [A]: said } });
    expect(instance).toMatchObject({
      registered: false,
      parameters: {},
      health: 'unhealthy',
      reason: 'ECONNREFUSED',
      inSync: false,
    });
  });

  it('is not in sync while its registration is rejected', () => {
    const instance = instanceOf({ ...WELL, registrations: { [A]: '{"weight":-1}' } });
    expect(instance).toMatchObject({ registered: true, parameters: {}, inSync: false });
  });

  it('is not in sync while its probe fails, although NGINX has it', () => {
    expect(instanceOf({ ...WELL, instances: { [A]: { health: 'unhealthy' } } })).toMatchObject({
      inSync: false,
    });
  });

  it('is not in sync where its service feeds no upstream', () => {
    const upstreams = [publishedUpstream({ name: 'other', services: ['other'] })];
    expect(instanceOf(withNginx({ upstreams }))).toMatchObject({ inSync: false, places: [] });
  });

  it('is not in sync while one of two NGINX does not have it', () => {
    const others = [{ address: '10.0.0.1:80', state: 'missing' }];
    const without = publishedNginx({ name: 'b', upstreams: [publishedUpstream({ others })] });
    expect(instanceOf(withNginxes(publishedNginx(), without))).toMatchObject({
      inSync: false,
      places: [{ state: 'up' }, { nginx: 'b', state: 'missing' }],
    });
  });

  it('is looked for in the upstreams of its service alone', () => {
    const upstreams = [
      publishedUpstream({ name: 'other', services: ['other'] }),
      publishedUpstream({ kind: 'stream', name: 'both', services: ['other', 'firmware'] }),
    ];
    expect(instanceOf(withNginx({ upstreams }))?.places).toEqual([
      { watcher: 'lb1', nginx: 'main', upstream: 'stream/both', state: 'up' },
    ]);
  });

  it('is in sync while it is down because it is registered so, not while it is down for another reason', () => {
    const down = { address: '10.0.0.1:80', state: 'down' };
    expect(instanceOf(withUpstream({ others: [{ ...down, reason: 'registered as down' }] }))?.inSync).toBe(
      true,
    );
    expect(instanceOf(withUpstream({ others: [{ ...down, reason: 'its probe fails' }] }))?.inSync).toBe(
      false,
    );
  });

  it('is drained while its registrar stops, and in sync once NGINX does not have it', () => {
    const registrations = { ...WELL.registrations, [A]: '{"drain":true}' };
    expect(instanceOf({ ...WELL, registrations })).toMatchObject({
      reason: 'its registrar stops',
      inSync: true,
      places: [{ state: 'drained' }],
    });
    const others = [{ address: '10.0.0.1:80', state: 'draining' }];
    expect(instanceOf({ ...withUpstream({ others }), registrations })?.inSync).toBe(false);
  });

  it('is drained by an operator who gave no name and no reason', () => {
    expect(instanceOf({ ...WELL, maintenance: { [A]: '{}' } })?.reason).toBe('an operator drains it');
  });

  it('is taken for up in an upstream that is in sync where not every server is named, and else for unknown', () => {
    expect(instanceOf(withUpstream({ more: 3 }))?.places).toMatchObject([{ state: 'up' }]);
    expect(instanceOf(withUpstream({ more: 3, inSync: false }))?.places).toMatchObject([
      { state: 'unknown' },
    ]);
  });

  it('is not called up or drained while it is drained and not every server is named', () => {
    const drained = { ...withUpstream({ more: 3 }), maintenance: { [A]: '{}' } };
    expect(instanceOf(drained)).toMatchObject({ inSync: false, places: [{ state: 'unknown' }] });
  });
});
