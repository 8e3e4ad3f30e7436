import { describe, expect, it } from 'vitest';
import {
  FLEET_NOW,
  type FleetInEtcd,
  publishedWatcher,
  statusOf,
  WELL,
  withNginx,
  withUpstream,
} from '../../support/fleet.js';

const A = 'firmware/10.0.0.1:80';

describe('the problems of a fleet', () => {
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

  it('names a few of many, and counts the others', () => {
    const registrations: Record<string, string> = { ...WELL.registrations };
    for (let n = 0; n < 100; n++) registrations[`firmware/10.0.1.${n}:80`] = '{"weight":-1}';
    const { problems } = statusOf({ ...WELL, registrations });
    expect(problems).toHaveLength(6);
    expect(problems.at(-1)?.what).toBe('95 more keys are rejected');
  });
});
