import { describe, expect, it } from 'vitest';
import {
  FLEET_NOW,
  type FleetInEtcd,
  publishedNginx,
  publishedUpstream,
  publishedWatcher,
  statusOf,
  WELL,
} from '../../support/fleet.js';

const A = 'firmware/10.0.0.1:80';

/** The fleet where all is well but for one upstream. */
function withUpstream(fields: Parameters<typeof publishedUpstream>[0]): FleetInEtcd {
  const nginx = [publishedNginx({ upstreams: [publishedUpstream(fields)] })];
  return { ...WELL, watchers: { lb1: publishedWatcher({ nginx }) } };
}

function withNginx(fields: Parameters<typeof publishedNginx>[0]): FleetInEtcd {
  return { ...WELL, watchers: { lb1: publishedWatcher({ nginx: [publishedNginx(fields)] }) } };
}

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

  const BAD: readonly [string, FleetInEtcd, RegExp, RegExp][] = [
    ['no watcher', { ...WELL, watchers: {} }, /no watcher is running/, /start `sidekick watch`/],
    [
      'a watcher that publishes nothing',
      { ...WELL, watchers: { lb1: undefined } },
      /watcher lb1 runs, but publishes no status/,
      /role/,
    ],
    [
      'a watcher that etcd refuses something',
      { ...WELL, watchers: { lb1: publishedWatcher({ error: 'etcd: no space' }) } },
      /watcher lb1: etcd: no space/,
      /--local/,
    ],
    [
      'a service with too many keys',
      { ...WELL, watchers: { lb1: publishedWatcher({ limited: [{ service: 'firmware', overLimit: 9 }] }) } },
      /leaves out 9 keys of firmware/,
      /limits/,
    ],
    [
      'NGINX unavailable',
      withNginx({ state: 'unavailable', error: 'refused' }),
      /NGINX main .* does not answer: refused/,
      /nginx\.api/,
    ],
    [
      'NGINX that is no API',
      withNginx({ state: 'refused', error: '404' }),
      /not as its API should: 404/,
      /credentials/,
    ],
    [
      'a guard hold',
      withUpstream({ others: [{ address: '10.0.0.9:80', state: 'held', until: FLEET_NOW + 9_000 }] }),
      /the guard holds 1 server of http\/firmware/,
      /sidekick unhold firmware/,
    ],
    [
      'a stuck drain',
      withUpstream({
        others: [{ address: '10.0.0.9:80', state: 'draining', until: FLEET_NOW - 1, active: 2 }],
      }),
      /the drain of 10\.0\.0\.9:80 in http\/firmware .* is stuck: its time is over, 2 open/,
      /start one/,
    ],
    [
      'a bad registration',
      { ...WELL, registrations: { ...WELL.registrations, 'firmware/10.0.0.3:80': '{"weight":-1}' } },
      /the registration \/services\/firmware\/10\.0\.0\.3:80 is rejected: weight/,
      /correct the key/,
    ],
    [
      'a registration that a watcher refuses',
      { ...WELL, watchers: { lb1: publishedWatcher({ rejected: [{ key: 'k', reason: 'loopback' }] }) } },
      /the registration k is rejected: loopback/,
      /correct the key/,
    ],
    [
      'a service that feeds no upstream',
      withNginx({ problems: [{ service: 'mqtt', message: 'NGINX has no upstream mqtt' }] }),
      /service mqtt feeds no upstream of NGINX main/,
      /`upstreams`/,
    ],
    [
      'a service that nobody drives',
      { ...WELL, registrations: { ...WELL.registrations, 'other/10.0.0.1:80': '' } },
      /service other feeds no upstream/,
      /`upstreams`/,
    ],
    [
      'a group nobody registers for',
      withNginx({ unfed: ['stream/mqtt'] }),
      /nobody registers for the group stream\/mqtt/,
      /sidekick register/,
    ],
    [
      'an unhealthy instance',
      { ...WELL, instances: { ...WELL.instances, [A]: { health: 'unhealthy', reason: 'ECONNREFUSED' } } },
      /firmware 10\.0\.0\.1:80 fails its probe: ECONNREFUSED/,
      /check the service/,
    ],
    [
      'an instance that NGINX does not have',
      withUpstream({
        inSync: false,
        others: [{ address: '10.0.0.1:80', state: 'missing', reason: 'zone full' }],
      }),
      /firmware 10\.0\.0\.1:80 is registered, but missing in NGINX: zone full/,
      /larger/,
    ],
    [
      'an upstream with an error',
      withUpstream({ inSync: false, error: 'no answer' }),
      /not in sync: no answer/,
      /events/,
    ],
  ];

  it.each(BAD)('says what is wrong and what to do: %s', (_, fleet, what, todo) => {
    const { inSync, problems } = statusOf(fleet);
    expect(inSync).toBe(false);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.what).toMatch(what);
    expect(problems[0]?.todo).toMatch(todo);
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

  it('names a few of many, and counts the others', () => {
    const registrations: Record<string, string> = { ...WELL.registrations };
    for (let n = 0; n < 100; n++) registrations[`firmware/10.0.1.${n}:80`] = '{"weight":-1}';
    const { problems } = statusOf({ ...WELL, registrations });
    expect(problems).toHaveLength(6);
    expect(problems.at(-1)?.what).toBe('95 more keys are rejected');
  });
});
