import { describe, expect, it } from 'vitest';
import { DEFAULT_SERVICE_LIMITS } from '../../../../src/core/admission.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Registrations } from '../../../../src/core/registrations.js';
import {
  publishedWatcher,
  type WatcherFacts,
  watcherOverview,
  watcherStatus,
  watcherView,
} from '../../../../src/daemon/watcher/watcher-status.js';
import { host } from '../../../support/watching.js';
import { views } from '../../core/support/registrations.js';

const FACTS: WatcherFacts = {
  id: 'lb1',
  version: '1.2.3',
  since: 1_000,
  ready: true,
  superseded: false,
  etcdConnected: true,
  etcd: { state: 'connected' },
  revision: 7,
  registrations: undefined,
  lost: { newest: () => [] },
  nginx: [],
};

/** What is registered where etcd has these keys. */
function registered(keys: readonly string[], limits = DEFAULT_SERVICE_LIMITS): Registrations {
  const etcd = views();
  for (const key of keys) etcd.put(key);
  const registrations = new Registrations(DEFAULT_KEY_PREFIXES, { allow: {}, limits, own: [] });
  registrations.apply(etcd.next());
  return registrations;
}

const badKeys = (count: number) => Array.from({ length: count }, (_, n) => `/services/firmware/bad\n${n}`);

describe('what a watcher says of itself', () => {
  it('has no services before etcd has been read', () => {
    const facts: WatcherFacts = {
      ...FACTS,
      ready: false,
      etcdConnected: false,
      etcd: { state: 'unavailable', error: 'not yet read' },
      revision: undefined,
    };
    expect(watcherStatus(facts)).toEqual({
      id: 'lb1',
      ready: false,
      superseded: false,
      etcd: { connected: false, state: 'unavailable', error: 'not yet read' },
      services: [],
      maintenance: [],
      rejected: [],
      nginx: [],
    });
    expect(watcherView(facts)).toMatchObject({ services: [], rejected: [], rejectedCount: 0 });
    expect(publishedWatcher(facts, '1.2.3')).toMatchObject({ error: 'not yet read', limited: [] });
  });

  it('says that etcd is read, and what etcd refuses', () => {
    const facts: WatcherFacts = { ...FACTS, etcd: { state: 'refused', error: 'no space' } };
    const etcd = { connected: true, revision: 7, state: 'refused', error: 'no space' };
    expect(watcherOverview(facts).etcd).toEqual(etcd);
    expect(publishedWatcher(facts, '1.2.3').error).toBe('no space');
  });

  it('publishes that another watcher took its id before it publishes what is wrong with etcd', () => {
    const facts: WatcherFacts = { ...FACTS, superseded: true, etcd: { state: 'refused', error: 'no space' } };
    expect(publishedWatcher(facts, '1.2.3').error).toMatch(/started later/);
  });

  it('lists services by name', () => {
    const registrations = registered([`/services/mqtt/${host(1)}`, `/services/firmware/${host(2)}`]);
    const { services } = watcherStatus({ ...FACTS, registrations });
    expect(services.map(({ name }) => name)).toEqual(['firmware', 'mqtt']);
  });

  it('names only the first rejected keys, printable, and counts all of them', () => {
    const facts: WatcherFacts = { ...FACTS, registrations: registered(badKeys(250)) };
    expect(watcherStatus(facts).rejected).toHaveLength(200);
    const { rejected, rejectedCount } = watcherView(facts);
    expect(rejected).toHaveLength(50);
    expect(rejectedCount).toBe(250);
    expect(publishedWatcher(facts, '1.2.3').rejected).toHaveLength(20);
    expect(rejected.some(({ key }) => key.includes('\n'))).toBe(false);
  });

  it('publishes which services have more keys than is allowed', () => {
    const keys = [1, 2, 3].map((n) => `/services/firmware/${host(n)}`);
    const registrations = registered([...keys, `/services/mqtt/${host(1)}`], {
      ...DEFAULT_SERVICE_LIMITS,
      instances: 2,
    });
    const { limited } = publishedWatcher({ ...FACTS, registrations }, '1.2.3');
    expect(limited).toEqual([{ service: 'firmware', overLimit: 1 }]);
  });

  it('divides the servers that are shown live among its NGINX', () => {
    const rows: number[] = [];
    const nginx = {
      view: (most: number) => {
        rows.push(most);
        return { name: 'a', state: 'connected' as const, problems: [], unfed: [], upstreams: [], more: 0 };
      },
    } as unknown as WatcherFacts['nginx'][number];
    watcherView({ ...FACTS, nginx: [nginx, nginx] });
    expect(rows).toEqual([1_000, 1_000]);
  });
});
