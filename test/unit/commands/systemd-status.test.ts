import { describe, expect, it } from 'vitest';
import { registrarSummary, watcherSummary } from '../../../src/commands/systemd-status.js';
import { OVERVIEW, REGISTRAR } from './statuses.js';

describe('the status line for systemd', () => {
  it.each([
    [REGISTRAR, '1 of 2 services registered; mqtt 10.0.0.11:1883 unhealthy'],
    [
      { ...REGISTRAR, services: [], etcd: { state: 'refused' as const, error: 'no space' } },
      'etcd refused: no space; 0 of 0 services registered',
    ],
    [
      { ...REGISTRAR, etcd: { state: 'unavailable' as const }, services: [] },
      'waiting for etcd; 0 of 0 services registered',
    ],
    [{ ...REGISTRAR, phase: 'draining' as const, waitingFor: ['lb1'] }, 'draining, waiting for lb1'],
  ])('shows what a registrar has registered, or what it waits for: %#', (status, expected) => {
    expect(registrarSummary(status)).toBe(expected);
  });

  it('names no more than three services', () => {
    const service = { service: 's', health: 'unknown', key: 'pending' } as const;
    const services = Array.from({ length: 500 }, (_, i) => ({ ...service, address: `10.0.0.1:${i + 1}` }));
    expect(registrarSummary({ ...REGISTRAR, services })).toMatch(
      /^0 of 500 services registered;.*; 497 more$/,
    );
  });

  it.each([
    [OVERVIEW, '2 servers in 1 upstream of 1 NGINX in sync with etcd'],
    [{ ...OVERVIEW, etcd: { connected: false, state: 'unavailable' as const } }, 'waiting for etcd'],
    [
      { ...OVERVIEW, etcd: { connected: true, state: 'refused' as const, error: 'no space' } },
      'etcd refused: no space',
    ],
    [{ ...OVERVIEW, superseded: true }, 'another watcher has the id lb1: give one of the two another id'],
    [
      { ...OVERVIEW, nginx: OVERVIEW.nginx.map((nginx) => ({ ...nginx, connected: false })) },
      'waiting for NGINX lb:8080',
    ],
    [
      {
        ...OVERVIEW,
        nginx: OVERVIEW.nginx.map((nginx) => ({
          ...nginx,
          upstreams: nginx.upstreams.map((upstream) => ({ ...upstream, inSync: false })),
        })),
      },
      '2 servers in 1 upstream of 1 NGINX; not in sync: http/firmware',
    ],
  ])('shows whether a watcher is in sync, or what it waits for: %#', (status, expected) => {
    expect(watcherSummary(status)).toBe(expected);
  });
});
