import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import { enableAccessControl, WATCHER_PERMISSIONS } from '../../support/access-control.js';
import { until } from '../../support/containers/index.js';
import { RealCluster, RealWatcher } from '../../support/real-watching.js';
import { HTTP } from '../../support/watching.js';

const SIGNAL = new AbortController().signal;
const A = '127.0.0.1:9001';
const B = '127.0.0.1:9002';

let cluster: RealCluster;

beforeAll(async () => {
  cluster = await RealCluster.start();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

it('a watcher with the documented role is allowed everything that it needs, and nothing else', async () => {
  await enableAccessControl(cluster.etcd, [
    { name: 'watcher', password: 'one', permissions: WATCHER_PERMISSIONS },
  ]);
  const root = connectEtcd({ endpoints: [cluster.etcd.url], auth: { username: 'root', password: 'root' } });
  const auth = { username: 'watcher', password: 'one' };
  const endpoints = { etcd: [cluster.etcd.url], nginx: { gateway: cluster.gateway.api }, auth };
  const watcher = new RealWatcher(endpoints);
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
  const limited = connectEtcd({ endpoints: [cluster.etcd.url], auth });
  await expect(limited.store.put('/services/firmware/127.0.0.1:1', '{}', {}, SIGNAL)).rejects.toMatchObject({
    code: 'DENIED',
  });
  await watcher.stop();
  expect(await own()).toEqual([]);
  limited.close();
  root.close();
});
