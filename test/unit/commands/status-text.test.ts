import { describe, expect, it } from 'vitest';
import { registrarText, watcherText } from '../../../src/commands/status-text.js';
import type { Address } from '../../../src/core/address.js';
import type { RegistrarStatus } from '../../../src/daemon/registrar/status.js';
import { pastStatus, type WatcherStatus } from '../../../src/daemon/watcher/status.js';
import { REGISTRAR, UPSTREAM, WATCHER } from './statuses.js';

const FIGURES = {
  ...{ offered: 20, downloaded: 10, booted: 7, returned: 2, failed: 1, lost: 1, unknown: 1, inFlight: 10 },
  proof: '2 of 9 failed or were lost (22.2 %): fewer than 55 % fail (95 %)',
};

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

  it('shows what the firmware server beside a registrar holds, and which files are nowhere', () => {
    const sha256 = `3059e6b55a96${'0'.repeat(52)}`;
    const releases = ['lamp 1.3.0'];
    const reason = 'no registered firmware server has it';
    const missing = [{ sha256, size: 182_368, releases, state: 'nowhere' as const, reason }];
    const firmware = { revision: 41, notReady: 'files are missing', held: 7, missing };
    expect(registrarText({ ...REGISTRAR, firmware })).toContain(`
Firmware files: 7 held, 1 missing; complete up to revision 41
  ! not registered: files are missing
  lamp 1.3.0 (3059e6b55a96…, 182368 bytes): nowhere: no registered firmware server has it
`);
  });

  it('shows what a watcher offers, what it does not, and why', () => {
    const lamp = {
      type: 'lamp',
      stable: '1.2.0',
      candidate: { version: '1.3.0', salt: 's', percent: 10, groups: ['bench'] },
      progress: {
        version: '1.3.0',
        all: FIGURES,
        phases: [{ percent: 10, at: '2026-11-27T12:00:00.000Z', ...FIGURES }],
        next: {
          ...{ percent: 50, begins: 'gate' as const },
          unmet: [
            { kind: 'booted' as const, booted: 7, after: 60 },
            { kind: 'time' as const, until: '2026-11-27T13:00:00.000Z' },
          ],
        },
        limit: { maxFailures: 2, min: 30, outcomes: 9, failures: 2 },
        sample: 1,
      },
      shadow: { version: '1.4.0', percent: 10, devices: 4, running: [{ version: '1.2.0', devices: 4 }] },
      offered: ['1.2.0'],
      withheld: [{ version: '1.3.0', reason: '10.0.0.12:8080 lacks a file of lamp 1.3.0', waitingFor: [] }],
      unreadable: [{ key: '/sidekick/firmware/lamp/groups/x', reason: 'must be JSON' }],
    };
    const fan = { type: 'fan', offered: [], withheld: [], unreadable: [] };
    const firmware = {
      servers: [{ address: '10.0.0.11:8080', heldUpTo: 41 }, { address: '10.0.0.12:8080' }],
      types: [fan, lamp],
      nginx: [
        { nginx: 'lb:8080', state: 'in-sync' as const },
        { nginx: 'lb2:8080', state: 'unavailable' as const, error: 'connection refused' },
      ],
      outcomes: [
        { nginx: 'lb:8080', state: 'uncounted' as const },
        { nginx: 'lb2:8080', state: 'unavailable' as const, error: 'connection refused' },
      ],
    };
    expect(watcherText({ ...WATCHER, firmware }, 60_000)).toContain(`
Firmware: 2 firmware servers registered; 1 of 2 NGINX in sync
  ! lb2:8080: cannot be told: connection refused
  ! lb:8080: its configuration does not count outcomes
  ! lb2:8080: does not report the outcomes of firmware: connection refused
  fan: no stable release
  lamp: 1.2.0 is stable; 1.3.0 is offered to 10 % and to the group bench
    1.3.0: 20 offered, 10 downloaded, 7 booted (2 by their ClientId alone), 1 failed, 1 lost, 1 unknown, 10 in flight; 2 of 9 failed or were lost (22.2 %): fewer than 55 % fail (95 %)
      10 % begun at 2026-11-27T12:00:00.000Z: 20 offered, 10 downloaded, 7 booted (2 by their ClientId alone), 1 failed, 1 lost, 1 unknown, 10 in flight; 2 of 9 failed or were lost (22.2 %): fewer than 55 % fail (95 %)
      next 50 %: waits until 60 devices have booted (7 so far) and until 2026-11-27T13:00:00.000Z
      halts when more than 2 % of at least 30 devices fail or are lost: 2 of 9 so far
    1.4.0 in shadow at 10 %: would reach 4 devices (4 run 1.2.0)
    ! 1.3.0 is not offered: 10.0.0.12:8080 lacks a file of lamp 1.3.0
    ! cannot be read: /sidekick/firmware/lamp/groups/x: must be JSON
`);
  });

  it('shows the releases that no trusted key vouches for, and the brokers that cannot be told', () => {
    const reason = 'the release is not signed';
    const lamp = {
      ...{ type: 'lamp', stable: '1.2.0', offered: [], unreadable: [] },
      withheld: [{ version: '1.2.0', reason, waitingFor: [] }],
      rejected: [
        { version: '1.3.0', reason },
        { version: '1.2.0', reason },
      ],
    };
    const firmware = {
      ...{ servers: [], types: [lamp], nginx: [] },
      brokers: [
        { broker: '10.0.0.21:1883', state: 'in-sync' as const },
        { broker: '10.0.0.22:1883', state: 'unavailable' as const, error: 'connection refused' },
      ],
    };
    expect(watcherText({ ...WATCHER, firmware }, 60_000)).toContain(`
  announced on 1 of 2 brokers
  ! 10.0.0.22:1883: cannot be told: connection refused
  lamp: 1.2.0 is stable
    ! 1.2.0 is not offered: the release is not signed
    ! 1.3.0 is rejected: the release is not signed
`);
    const rejected = [{ release: 'lamp 1.3.0', reason }];
    const files = { revision: 41, held: 7, missing: [], rejected };
    expect(registrarText({ ...REGISTRAR, firmware: files })).toContain(
      '\n  ! lamp 1.3.0 is not fetched: the release is not signed\n',
    );
  });

  it('counts the missing files that it does not name', () => {
    const missing = Array.from({ length: 60 }, (_, i) => ({
      ...{ sha256: String(i).padStart(64, '0'), size: 1, releases: [`lamp ${i}`], state: 'waiting' as const },
    }));
    const text = registrarText({ ...REGISTRAR, firmware: { revision: undefined, held: 0, missing } });
    expect(text).toMatch(/Firmware files: 0 held, 60 missing\n/);
    expect(text).toMatch(/… and 10 more\n$/);
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
