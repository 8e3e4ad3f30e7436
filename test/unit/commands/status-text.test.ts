import { describe, expect, it } from 'vitest';
import { registrarText, watcherText } from '../../../src/commands/status-text.js';
import type { Address } from '../../../src/core/address.js';
import type { RegistrarStatus } from '../../../src/daemon/registrar/status.js';
import { pastStatus, type WatcherStatus } from '../../../src/daemon/watcher/status.js';
import { REGISTRAR, UPSTREAM, WATCHER } from './statuses.js';

describe('the text of a status', () => {
  it('shows each service of a registrar', () => {
    expect(registrarText(REGISTRAR)).toBe(
      `sidekick register: running, not ready; etcd connected

  SERVICE   ADDRESS         HEALTH     KEY         REASON
  firmware  10.0.0.11:8080  healthy    registered
  mqtt      10.0.0.11:1883  unhealthy  absent      no CONNACK
`,
    );
  });

  it('names the watchers that a draining registrar waits for', () => {
    expect(registrarText({ ...REGISTRAR, phase: 'draining', waitingFor: ['lb1', 'lb2'] })).toContain(
      '\nwaiting for the watchers lb1, lb2\n',
    );
  });

  it('shows the services, servers and rejected keys of a watcher', () => {
    expect(watcherText(WATCHER, 60_000)).toBe(
      `sidekick watch lb1: ready; etcd connected at revision 42

  SERVICE   REGISTERED  DRAINING  REJECTED  OVER LIMIT
  firmware  1           0         0         0

NGINX lb:8080: 1.26.3 connected
  UPSTREAM       SYNC     SERVER          STATUS
  http/firmware  in sync  10.0.0.11:8080  up      3 active
  http/firmware  in sync  10.0.0.12:8080  held    held for 2s
  ! NGINX has no upstream mqtt

Rejected keys:
  /services/firmware/x: address must be host:port
`,
    );
  });

  it('shows that etcd refused, and why', () => {
    const etcd = { state: 'refused', error: 'permission denied' } as const;
    expect(registrarText({ ...REGISTRAR, etcd })).toMatch(/; etcd refused: permission denied;\n/);
    const text = watcherText({ ...WATCHER, etcd: { connected: true, revision: 42, ...etcd } });
    expect(text).toMatch(/; etcd refused: permission denied; at revision 42\n/);
  });

  it('warns of another watcher with the same id', () => {
    expect(watcherText({ ...WATCHER, superseded: true })).toContain(
      '\n  ! another watcher with this id was started later: give one of the two another id\n',
    );
  });

  it('shows the last known servers of an unavailable NGINX as past, and when it last answered', () => {
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
    expect(text).toContain(
      'NGINX lb:8080: unavailable: connect ECONNREFUSED; it last answered 1m15s ago, as follows\n',
    );
    expect(text).toMatch(/http\/firmware +unknown +10\.0\.0\.11:8080 +was up\n/);
    expect(text).toMatch(/http\/firmware +unknown +10\.0\.0\.12:8080 +was held /);
    expect(text).not.toContain('in sync');
  });

  it('shows who drained which instance and why', () => {
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

  it('shows that etcd and NGINX are unavailable', () => {
    const text = watcherText({
      ...WATCHER,
      ready: false,
      etcd: { connected: false, state: 'unavailable', error: 'not yet read' },
      services: [],
      nginx: [{ name: 'lb', connected: false, error: 'connect ECONNREFUSED', problems: [], upstreams: [] }],
    });
    expect(text).toMatch(/^sidekick watch lb1: not ready; etcd unavailable: not yet read;\n/);
    expect(text).toContain('NGINX lb: unavailable: connect ECONNREFUSED; it has never answered\n');
  });
});
