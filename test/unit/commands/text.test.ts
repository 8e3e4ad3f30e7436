import { describe, expect, test } from 'vitest';
import { registrarText, watcherText } from '../../../src/commands/status-text.js';
import { registrarSummary, watcherSummary } from '../../../src/commands/systemd-status.js';
import { reportText } from '../../../src/commands/watch-once.js';
import type { Address } from '../../../src/core/address.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import type { RegistrarStatus } from '../../../src/daemon/registrar/status.js';
import { pastStatus, type UpstreamStatus, type WatcherStatus } from '../../../src/daemon/watcher/status.js';

const REGISTRAR: RegistrarStatus = {
  phase: 'running',
  connected: true,
  etcd: { state: 'connected' },
  ready: false,
  waitingFor: [],
  services: [
    { service: 'firmware', address: '10.0.0.11:8080', health: 'healthy', key: 'registered' },
    { service: 'mqtt', address: '10.0.0.11:1883', health: 'unhealthy', key: 'absent', reason: 'no CONNACK' },
  ],
};

const UPSTREAM: UpstreamStatus = {
  kind: 'http',
  name: 'firmware',
  services: ['firmware'],
  matched: true,
  servers: [
    { address: '10.0.0.11:8080', state: 'up', active: 3 },
    { address: '10.0.0.12:8080', state: 'held' },
  ],
  held: [{ address: '10.0.0.12:8080', until: 61_500 }],
  unmanaged: 0,
  errors: [],
};

const WATCHER: WatcherStatus = {
  id: 'lb1',
  ready: true,
  etcd: { connected: true, state: 'connected', revision: 42 },
  superseded: false,
  services: [{ name: 'firmware', registered: 1, draining: 0, rejected: 0, overLimit: 0 }],
  maintenance: [],
  rejected: [{ key: '/services/firmware/x', reason: 'address must be host:port' }],
  nginx: [
    {
      name: 'lb:8080',
      connected: true,
      version: '1.26.3',
      problems: [{ service: 'mqtt', code: 'no-upstream', message: 'NGINX has no upstream mqtt' }],
      upstreams: [UPSTREAM],
    },
  ],
};

describe('status for people', () => {
  test('of a registrar', () => {
    expect(registrarText(REGISTRAR)).toBe(
      `sidekick register: running, not ready; etcd connected

  SERVICE   ADDRESS         HEALTH     KEY         REASON
  firmware  10.0.0.11:8080  healthy    registered
  mqtt      10.0.0.11:1883  unhealthy  absent      no CONNACK
`,
    );
  });

  test('of a registrar that drains', () => {
    expect(registrarText({ ...REGISTRAR, phase: 'draining', waitingFor: ['lb1', 'lb2'] })).toContain(
      '\nwaits for the watchers lb1, lb2\n',
    );
  });

  test('of a watcher', () => {
    expect(watcherText(WATCHER, 60_000)).toBe(
      `sidekick watch lb1: ready; etcd connected at revision 42

  SERVICE   REGISTERED  DRAINING  REJECTED  OVER LIMIT
  firmware  1           0         0         0

NGINX lb:8080: 1.26.3 connected
  UPSTREAM       STATE    SERVER          IS
  http/firmware  in step  10.0.0.11:8080  up    3 active
  http/firmware  in step  10.0.0.12:8080  held  held for 2s
  ! NGINX has no upstream mqtt

Rejected keys:
  /services/firmware/x: address must be host:port
`,
    );
  });

  test('of a registrar and a watcher that etcd refuses', () => {
    const etcd = { state: 'refused', error: 'permission denied' } as const;
    expect(registrarText({ ...REGISTRAR, etcd })).toMatch(/; etcd refused: permission denied;\n/);
    const text = watcherText({ ...WATCHER, etcd: { connected: true, revision: 42, ...etcd } });
    expect(text).toMatch(/; etcd refused: permission denied; at revision 42\n/);
  });

  test('of a watcher whose id another one has', () => {
    expect(watcherText({ ...WATCHER, superseded: true })).toContain(
      '\n  ! another watcher with this id was started later: give one of the two another --id\n',
    );
  });

  test('of a watcher whose NGINX is away: what it had is past, and when it was seen is said', () => {
    const nginx: WatcherStatus['nginx'] = [
      {
        name: 'lb:8080',
        connected: false,
        version: '1.26.3',
        error: 'connect ECONNREFUSED',
        refused: false,
        lastSeenAgo: 75_300,
        problems: [],
        upstreams: [pastStatus(UPSTREAM)],
      },
    ];
    const text = watcherText({ ...WATCHER, ready: false, nginx }, 60_000);
    expect(text).toContain('NGINX lb:8080: away: connect ECONNREFUSED; last seen 1m15s ago, as follows\n');
    expect(text).toMatch(/http\/firmware +unknown +10\.0\.0\.11:8080 +was up\n/);
    expect(text).toMatch(/http\/firmware +unknown +10\.0\.0\.12:8080 +was held /);
    expect(text).not.toContain('in step');
  });

  test('who drained what, when and why', () => {
    const maintenance = [
      { service: 'firmware', address: '10.0.0.12:8080' as Address, by: 'root@lb1', reason: 'new disk' },
      { service: 'mqtt', address: '10.0.0.12:1883' as Address },
    ];
    expect(watcherText({ ...WATCHER, maintenance })).toContain(
      '\nDrained by operators:\n  firmware 10.0.0.12:8080 by root@lb1: new disk\n  mqtt 10.0.0.12:1883\n',
    );
    const [first] = REGISTRAR.services;
    const services = [{ ...first, service: 'firmware', maintenance: { by: 'root@lb1' } }];
    expect(registrarText({ ...REGISTRAR, services } as RegistrarStatus)).toContain(
      '\nDrained by operators:\n  firmware 10.0.0.11:8080 by root@lb1\n',
    );
  });

  test('of a watcher that waits', () => {
    const text = watcherText({
      ...WATCHER,
      ready: false,
      etcd: { connected: false, state: 'unavailable', error: 'not yet read' },
      services: [],
      nginx: [{ name: 'lb', connected: false, error: 'connect ECONNREFUSED', problems: [], upstreams: [] }],
    });
    expect(text).toMatch(/^sidekick watch lb1: not ready; etcd unavailable: not yet read;\n/);
    expect(text).toContain('NGINX lb: away: connect ECONNREFUSED; it has not answered yet\n');
  });
});

describe('one line for systemd', () => {
  test.each([
    [REGISTRAR, '1 of 2 services registered; mqtt 10.0.0.11:1883 unhealthy'],
    [
      { ...REGISTRAR, services: [], etcd: { state: 'refused' as const, error: 'no space' } },
      'etcd refuses: no space; 0 of 0 services registered',
    ],
    [
      { ...REGISTRAR, etcd: { state: 'unavailable' as const }, services: [] },
      'waiting for etcd; 0 of 0 services registered',
    ],
    [{ ...REGISTRAR, phase: 'draining' as const, waitingFor: ['lb1'] }, 'draining, waiting for lb1'],
  ])('of a registrar %#', (status, expected) => {
    expect(registrarSummary(status)).toBe(expected);
  });

  test('names no more than three services', () => {
    const service = { service: 's', health: 'unknown', key: 'pending' } as const;
    const services = Array.from({ length: 500 }, (_, i) => ({ ...service, address: `10.0.0.1:${i + 1}` }));
    expect(registrarSummary({ ...REGISTRAR, services })).toMatch(
      /^0 of 500 services registered;.*; 497 more$/,
    );
  });

  test.each([
    [WATCHER, '2 servers in 1 upstream of 1 NGINX in step with etcd'],
    [{ ...WATCHER, etcd: { connected: false, state: 'unavailable' as const } }, 'waiting for etcd'],
    [
      { ...WATCHER, etcd: { connected: true, state: 'refused' as const, error: 'no space' } },
      'etcd refuses: no space',
    ],
    [{ ...WATCHER, superseded: true }, 'another watcher has the id lb1: give one of the two another --id'],
    [
      { ...WATCHER, nginx: WATCHER.nginx.map((nginx) => ({ ...nginx, connected: false })) },
      'waiting for NGINX lb:8080',
    ],
    [
      {
        ...WATCHER,
        nginx: WATCHER.nginx.map((nginx) => ({ ...nginx, upstreams: [{ ...UPSTREAM, matched: false }] })),
      },
      '2 servers in 1 upstream of 1 NGINX; not in step: http/firmware',
    ],
  ])('of a watcher %#', (status, expected) => {
    expect(watcherSummary(status)).toBe(expected);
  });
});

test('a dry run prints one line for each thing to do', () => {
  const address = '10.0.0.11:8080' as Address;
  const upstream = {
    kind: 'http',
    name: 'firmware',
    errors: ['remove x: timed out'],
    matches: false,
  } as const;
  const report = {
    matches: false,
    nginx: [
      {
        name: 'lb',
        problems: [{ service: 'mqtt', code: 'no-upstream', message: 'NGINX has no upstream mqtt' } as const],
        upstreams: [
          {
            ...upstream,
            actions: [
              { type: 'add', address, parameters: { ...DEFAULT_PARAMETERS, weight: 3, backup: true } },
              { type: 'update', address, id: 1, changes: { max_conns: 5 } },
              { type: 'drain', address, id: 2 },
              { type: 'remove', address, id: 3, reason: 'idle' },
            ] as const,
          },
        ],
      },
      { name: 'lb2', error: 'connect ECONNREFUSED', problems: [], upstreams: [] },
    ],
  };
  expect(reportText(report, true)).toBe(
    `lb: ! NGINX has no upstream mqtt
lb http/firmware: add 10.0.0.11:8080 weight=3 backup=true
lb http/firmware: update 10.0.0.11:8080 max_conns=5
lb http/firmware: drain 10.0.0.11:8080
lb http/firmware: remove 10.0.0.11:8080 (idle)
lb http/firmware: ! remove x: timed out
lb2: ! connect ECONNREFUSED
4 to do; NGINX does not match what is registered
`,
  );
});
