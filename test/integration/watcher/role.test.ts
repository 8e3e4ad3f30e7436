import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import { enableAccessControl, type Permission, WATCHER_PERMISSIONS } from '../../support/access-control.js';
import { until } from '../../support/containers/index.js';
import { RealCluster, RealWatcher } from '../../support/real-watching.js';
import { HTTP } from '../../support/watching.js';

const SIGNAL = new AbortController().signal;
const A = '127.0.0.1:9001';
const B = '127.0.0.1:9002';

let cluster: RealCluster;

const USERS: Readonly<Record<string, readonly Permission[]>> = {
  watcher: WATCHER_PERMISSIONS,
  unpublished: WATCHER_PERMISSIONS.filter(([, prefix]) => !prefix.includes('/status/')),
  stranger: [],
};

/** What reaches the cluster as one of the users. */
function endpointsAs(username: string) {
  const auth = { username, password: 'one' };
  return { etcd: [cluster.etcd.url], nginx: { gateway: cluster.gateway.api }, auth };
}

beforeAll(async () => {
  cluster = await RealCluster.start();
  await enableAccessControl(
    cluster.etcd,
    Object.entries(USERS).map(([name, permissions]) => ({ name, password: 'one', permissions })),
  );
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

it('a watcher with the documented role is allowed everything that it needs, and nothing else', async () => {
  const root = connectEtcd({ endpoints: [cluster.etcd.url], auth: { username: 'root', password: 'root' } });
  const watcher = new RealWatcher(endpointsAs('watcher'));
  const put = (key: string, value = '{}') => root.store.put(key, value, {}, SIGNAL);
  await put(`/services/firmware/${A}`);
  await put(`/services/firmware/${B}`);
  await cluster.serves(HTTP, [A, B]);
  await put(`/sidekick/maintenance/firmware/${B}`, '');
  await cluster.serves(HTTP, [A]);
  const own = async () =>
    (await root.store.list('/sidekick/', SIGNAL)).map(({ key }) => key).filter((key) => key.includes('lb1'));
  await until('presence and answer', async () => (await own()).length === 2);
  expect(await own()).toEqual([`/sidekick/drained/firmware/${B}/lb1`, '/sidekick/watchers/lb1']);
  const limited = connectEtcd({
    endpoints: [cluster.etcd.url],
    auth: { username: 'watcher', password: 'one' },
  });
  await expect(limited.store.put('/services/firmware/127.0.0.1:1', '{}', {}, SIGNAL)).rejects.toMatchObject({
    code: 'DENIED',
  });
  await watcher.stop();
  expect(await own()).toEqual([]);
  limited.close();
  root.close();
});

it('a watcher whose role cannot read the registrations reports that etcd refuses', async () => {
  await using watcher = new RealWatcher(endpointsAs('stranger'));
  await until('that is said', () => watcher.log.events('etcd-refused').length === 1);
});

it('a watcher whose role cannot publish its status says so, and drives NGINX all the same', async () => {
  await using watcher = new RealWatcher(endpointsAs('unpublished'), {}, { version: '1.0.0' });
  await until('that is said', () => watcher.log.events('status-refused').length === 1);
  expect(watcher.watcher.ready).toBe(true);
});
