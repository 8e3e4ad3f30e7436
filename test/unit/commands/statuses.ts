import type { RegistrarStatus } from '../../../src/daemon/registrar/status.js';
import type { UpstreamStatus, WatcherOverview, WatcherStatus } from '../../../src/daemon/watcher/status.js';

export const REGISTRAR: RegistrarStatus = {
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

export const UPSTREAM: UpstreamStatus = {
  kind: 'http',
  name: 'firmware',
  services: ['firmware'],
  inSync: true,
  servers: [
    { address: '10.0.0.11:8080', state: 'up', active: 3 },
    { address: '10.0.0.12:8080', state: 'held' },
  ],
  held: [{ address: '10.0.0.12:8080', until: 61_500 }],
  unmanaged: 0,
  errors: [],
};

export const OVERVIEW: WatcherOverview = {
  id: 'lb1',
  etcd: { connected: true, state: 'connected', revision: 42 },
  superseded: false,
  nginx: [
    {
      name: 'lb:8080',
      connected: true,
      upstreams: [{ kind: 'http', name: 'firmware', inSync: true, servers: 2 }],
    },
  ],
};

export const WATCHER: WatcherStatus = {
  ...OVERVIEW,
  ready: true,
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
