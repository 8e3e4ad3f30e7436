import { describe, expect, it } from 'vitest';
import {
  FLEET_NOW,
  type FleetInEtcd,
  publishedNginx,
  publishedUpstream,
  publishedWatcher,
  statusOf,
  WELL,
  withNginx,
  withUpstream,
} from '../../../support/fleet.js';

const A = 'firmware/10.0.0.1:80';

function whatOf(fleet: FleetInEtcd): readonly string[] {
  return statusOf(fleet).problems.map(({ what }) => what);
}

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

  const B = { address: '10.0.0.9:80' };

  it('calls a drain stuck only once its time is over', () => {
    const others = [
      { ...B, state: 'draining' },
      { ...B, state: 'draining', until: FLEET_NOW },
      { ...B, state: 'draining', until: FLEET_NOW + 1 },
      { ...B, state: 'down', until: FLEET_NOW - 1 },
    ];
    expect(whatOf(withUpstream({ others }))).toEqual([]);
    const stuck = [{ ...B, state: 'draining', until: FLEET_NOW - 1 }];
    expect(whatOf(withUpstream({ others: stuck }))).toEqual([
      'the drain of 10.0.0.9:80 in http/firmware of NGINX main (watcher lb1) is stuck: its time is over',
    ]);
  });

  it('says it where no reason is known', () => {
    const [unavailable] = whatOf(withNginx({ state: 'unavailable' }));
    expect(unavailable).toBe('NGINX main (watcher lb1) does not answer: not asked yet');
    const [refused] = whatOf(withNginx({ state: 'refused' }));
    expect(refused).toBe('NGINX main (watcher lb1) answers, but not as its API should: ');
    const [unhealthy] = whatOf({ ...WELL, instances: { ...WELL.instances, [A]: { health: 'unhealthy' } } });
    expect(unhealthy).toBe('firmware 10.0.0.1:80 fails its probe');
    const [missing] = whatOf(withUpstream({ others: [{ address: '10.0.0.1:80', state: 'missing' }] }));
    expect(missing).toBe('firmware 10.0.0.1:80 is registered, but missing in NGINX: not added yet');
  });

  it('gives the reason of the NGINX that lacks an instance, not of another', () => {
    const down = [{ address: '10.0.0.1:80', state: 'down', reason: 'its probe fails' }];
    const missing = [{ address: '10.0.0.1:80', state: 'missing', reason: 'zone full' }];
    const nginx = [down, missing].map((others, n) =>
      publishedNginx({ name: `n${n}`, upstreams: [publishedUpstream({ others })] }),
    );
    expect(whatOf({ ...WELL, watchers: { lb1: publishedWatcher({ nginx }) } })).toEqual([
      'firmware 10.0.0.1:80 is registered, but missing in NGINX: zone full',
    ]);
  });

  it('names the command that ends a hold, also where no service is known', () => {
    const others = [{ ...B, state: 'held' }];
    const { problems } = statusOf(withUpstream({ services: [], others }));
    expect(problems[0]?.todo).toContain('sidekick unhold SERVICE');
  });

  /** More than a watcher publishes. */
  const manyOthers = Array.from({ length: 201 }, (_, n) =>
    publishedUpstream({ name: `s${n}`, services: [`s${n}`] }),
  );

  it.each<[string, FleetInEtcd]>([
    ['an NGINX does not answer', withNginx({ state: 'unavailable', upstreams: [] })],
    ['not every upstream is published', withNginx({ upstreams: manyOthers })],
    ['nothing of it is registered', { ...WELL, instances: { ...WELL.instances, 'b/10.0.0.1:80': {} } }],
    [
      'one of the upstreams is its own',
      withNginx({ upstreams: [publishedUpstream(), publishedUpstream({ name: 'b', services: ['b'] })] }),
    ],
    [
      'one of the NGINX has its upstream',
      {
        ...WELL,
        watchers: {
          lb1: publishedWatcher({ nginx: [publishedNginx(), publishedNginx({ name: 'b', upstreams: [] })] }),
          lb2: publishedWatcher({ nginx: [publishedNginx({ upstreams: [] })] }),
        },
      },
    ],
  ])('does not say that a service feeds no upstream where %s', (_, fleet) => {
    expect(whatOf(fleet).filter((what) => what.includes('feeds no upstream'))).toEqual([]);
  });

  it('says once that a service feeds no upstream, where its watcher says so', () => {
    const told = [{ service: 'firmware', message: 'NGINX has no upstream firmware' }];
    expect(whatOf(withNginx({ upstreams: [], problems: told }))).toEqual([
      'service firmware feeds no upstream of NGINX main (watcher lb1): NGINX has no upstream firmware',
    ]);
    const other = [{ service: 'mqtt', message: 'NGINX has no upstream mqtt' }];
    expect(whatOf(withNginx({ upstreams: [], problems: other }))).toContain(
      'service firmware feeds no upstream',
    );
  });

  it('counts the instances beyond the first few that fail their probes, and that NGINX lacks', () => {
    const addresses = Array.from({ length: 7 }, (_, n) => `10.0.1.${n}:80`);
    const registrations = Object.fromEntries(addresses.map((address) => [`firmware/${address}`, '{}']));
    const failing = Object.fromEntries(
      addresses.map((address) => [`firmware/${address}`, { health: 'unhealthy' }]),
    );
    const others = addresses.map((address) => ({ address, state: 'missing' }));
    const fleet = { ...withUpstream({ others }), registrations, instances: failing };
    const { problems } = statusOf(fleet);
    expect(
      problems.filter(({ todo }) => todo === 'see `sidekick status SERVICE`').map(({ what }) => what),
    ).toEqual([
      '2 more instances of firmware fail their probes',
      '2 more instances of firmware are missing in NGINX',
    ]);
  });
});
