/** What the page shows of a good watcher, and of one that has these parts beside. */
import { problemsOf } from '../../../../src/telemetry/dashboard/attention.js';
import { page } from '../../../../src/telemetry/dashboard/page.js';
import { INITIAL_STATE, receive } from '../../../../src/telemetry/dashboard/state.js';
import { textOf } from './text-of.js';

export const NOW = 1_000_000;
export const CHOICES = { opened: new Map(), pages: new Map(), filter: '' };

export const WATCHER = {
  id: 'lb1',
  version: '1.2.3',
  since: NOW - 65_000,
  ready: true,
  superseded: false,
  etcd: { state: 'connected' },
};
export const NGINX = { name: 'lb', state: 'connected', version: '1.26', problems: [], unfed: [], more: 0 };
export const UPSTREAM = {
  nginx: 'lb',
  kind: 'http',
  name: 'firmware',
  services: ['firmware'],
  inSync: true,
  errors: [],
  unmanaged: 0,
  counts: { up: 1 },
  active: 3,
  rate: 12.4,
  servers: [{ address: '10.0.0.1:80', state: 'up', active: 3, rate: 12.4 }],
};
export const KEY = 'upstream/lb/http/firmware';
export const FIRMWARE = {
  servers: 2,
  nginx: [{ nginx: 'lb', state: 'in-sync' }],
  outcomes: [{ nginx: 'lb', state: 'counting' }],
};

/** What the page knows after a first message with these parts beside a good watcher's. */
export function knowing(parts: Record<string, unknown> = {}) {
  const all = { watcher: WATCHER, 'nginx/lb': NGINX, [KEY]: UPSTREAM, ...parts };
  return receive(INITIAL_STATE, { now: NOW, run: 'a', first: true, parts: all }, NOW);
}

export const shown = (parts?: Record<string, unknown>, choices = {}) => {
  const { header, main } = page(knowing(parts), { ...CHOICES, ...choices }, NOW);
  return textOf([...header, ...main]);
};
export const problems = (parts?: Record<string, unknown>) =>
  problemsOf(knowing(parts), NOW).map(({ severity, what, why, remedy }) =>
    [severity, what, why, remedy].filter((text) => text !== undefined).join(' | '),
  );
