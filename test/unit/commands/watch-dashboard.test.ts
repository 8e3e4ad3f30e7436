import { describe, expect, it } from 'vitest';
import { WatchDashboard } from '../../../src/commands/watch-dashboard.js';
import type { OfferingStatus } from '../../../src/daemon/firmware/offerer.js';
import type { UpstreamTraffic } from '../../../src/daemon/watcher/traffic.js';
import type { WatcherView } from '../../../src/daemon/watcher/view.js';
import { host } from '../../support/watching.js';
import { OVERVIEW } from './statuses.js';

const VIEW: WatcherView = {
  watcher: {
    id: 'lb1',
    version: '1',
    since: 0,
    ready: true,
    superseded: false,
    etcd: { state: 'connected' },
  },
  services: [],
  maintenance: [],
  rejected: [],
  rejectedCount: 0,
  nginx: [
    {
      name: 'lb:8080',
      state: 'connected',
      problems: [],
      unfed: [],
      more: 0,
      upstreams: [
        {
          kind: 'http',
          name: 'firmware',
          services: ['firmware'],
          inSync: true,
          errors: [],
          unmanaged: 0,
          counts: { up: 2 },
          servers: [
            { address: host(1), state: 'up' },
            { address: host(2), state: 'up' },
          ],
        },
      ],
    },
  ],
};

const TRAFFIC: UpstreamTraffic = {
  total: { active: 3, rate: 12 },
  servers: new Map([[host(1), { active: 3, rate: 12 }]]),
};

function dashboard({ view = VIEW, firmware }: { view?: WatcherView; firmware?: OfferingStatus } = {}) {
  const refreshed: string[] = [];
  const shown = new WatchDashboard({
    watcher: {
      view: () => view,
      overview: () => OVERVIEW,
      serverPage: (nginx, upstream, { from }) =>
        nginx === 'lb:8080' && upstream === 'http/firmware'
          ? { servers: [{ address: host(1), state: 'up' }], total: from }
          : undefined,
    },
    firmware: () => firmware,
    traffic: {
      of: (nginx) => (nginx === 'lb:8080' ? TRAFFIC : undefined),
      refresh: (nginx) => void refreshed.push(nginx),
    },
    signal: new AbortController().signal,
  });
  return { shown, refreshed };
}

describe('the dashboard of a watcher', () => {
  it('has the view of the watcher by NGINX and upstream, with the traffic that NGINX counts', () => {
    const { shown, refreshed } = dashboard();
    const parts = shown.parts();
    expect([...parts.keys()]).toEqual([
      'watcher',
      'services',
      'maintenance',
      'rejected',
      'rejectedCount',
      'nginx/lb:8080',
      'upstream/lb:8080/http/firmware',
    ]);
    expect(parts.get('upstream/lb:8080/http/firmware')).toMatchObject({
      nginx: 'lb:8080',
      active: 3,
      rate: 12,
      servers: [
        { address: host(1), active: 3, rate: 12 },
        { address: host(2), state: 'up' },
      ],
    });
    expect(refreshed).toEqual(['lb:8080']);
  });

  it('shows no traffic of an NGINX that does not answer', () => {
    const [nginx] = VIEW.nginx;
    if (!nginx) throw new Error('there is no NGINX');
    const servers = [{ address: host(1), state: 'unknown' as const, reason: 'was up' }];
    const upstreams = nginx.upstreams.map((upstream) => ({ ...upstream, servers }));
    const view = { ...VIEW, nginx: [{ ...nginx, state: 'unavailable' as const, upstreams }] };
    const upstream = dashboard({ view }).shown.parts().get('upstream/lb:8080/http/firmware');
    expect(upstream).toMatchObject({ servers });
    expect(upstream).not.toHaveProperty('active');
  });

  it('gives some servers with their traffic, and none of what is no upstream', () => {
    const { shown } = dashboard();
    const query = { nginx: 'lb:8080', from: 7, count: 1, filter: undefined };
    expect(shown.servers({ ...query, upstream: 'http/firmware' })).toEqual({
      servers: [{ address: host(1), state: 'up', active: 3, rate: 12 }],
      total: 7,
    });
    for (const upstream of ['', 'firmware', 'http/', 'tcp/firmware', 'http/other']) {
      expect(shown.servers({ ...query, upstream })).toBeUndefined();
    }
  });

  it('has firmware where it is offered, of bounded size', () => {
    const servers = Array.from({ length: 5_000 }, (_, n) => ({ address: `10.0.0.${n}:80` }));
    const withheld = [{ version: '2', reason: 'lacks a file; '.repeat(5_000), waitingFor: servers }];
    const type = { type: 'lamp', stable: '1', offered: ['1'], withheld, unreadable: [] };
    const types = Array.from({ length: 500 }, (_, n) => ({ ...type, type: `lamp-${n}` }));
    const nginx = [{ nginx: 'lb:8080', state: 'in-sync' }];
    const outcomes = [{ nginx: 'lb:8080', state: 'counting' }];
    const behind = Array.from({ length: 500 }, (_, i) => ({ broker: `10.0.0.1:${i}`, state: 'unavailable' }));
    const brokers = [{ broker: '10.0.0.2:1883', state: 'in-sync' }, ...behind];
    const firmware = { servers, types, nginx, outcomes, brokers };
    const parts = dashboard({ firmware: firmware as unknown as OfferingStatus }).shown.parts();
    expect(parts.get('firmware')).toEqual({
      ...{ servers: 5_000, nginx, outcomes },
      brokers: { all: 501, inSync: 1, behind: behind.slice(0, 10) },
    });
    expect([...parts.keys()].filter((name) => name.startsWith('type/'))).toHaveLength(100);
    expect(JSON.stringify(parts.get('type/lamp-0')).length).toBeLessThan(2_000);
  });
});
