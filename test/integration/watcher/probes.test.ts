import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createProbe } from '../../../src/adapters/probes/create-probe.js';
import type { WatcherPorts } from '../../../src/daemon/watcher/options.js';
import { type Backend, startBroker, startFirmware, until } from '../../support/containers/index.js';
import { RealCluster, RealWatcher } from '../../support/real-watching.js';
import { HTTP, STREAM } from '../../support/watching.js';

const POLICY = { interval: 500, timeout: 500, rise: 2, fall: 2 };

const healthCheck: WatcherPorts['healthCheck'] = ({ service, address: target }) => ({
  policy: POLICY,
  probe: createProbe(
    service === 'mqtt' ? { type: 'mqtt', target } : { type: 'http', target, path: '/healthz' },
  ),
});

let cluster: RealCluster;
let firmwares: readonly Backend[];
let brokers: readonly Backend[];

beforeAll(async () => {
  cluster = await RealCluster.start();
  const { network } = cluster;
  firmwares = await Promise.all([1, 2].map((n) => startFirmware(network, n)));
  brokers = await Promise.all([1, 2].map((n) => startBroker(network, n)));
});
afterAll(() => cluster?.[Symbol.asyncDispose]());
beforeEach(() => cluster.clear());

describe.each([
  ['http', HTTP, () => firmwares],
  ['stream', STREAM, () => brokers],
] as const)('a load balancer that probes %s backends itself', (_, ref, backends) => {
  it('takes a host that stops answering out of rotation long before its lease ends, and puts it back when it answers', async () => {
    await using watcher = RealWatcher.of(cluster, {}, { healthCheck });
    const lease = await cluster.etcd.grant(600);
    for (const { service, address } of backends()) {
      await cluster.etcd.put(`/services/${service}/${address}`, '{}', lease);
    }
    const addresses = backends().map(({ address }) => address);
    const [lost] = backends();
    if (!lost) throw new Error('no backends');
    // A machine that is busy may have another one miss its probes too.
    const said = (event: string) =>
      watcher.log.events(event).filter(({ fields }) => fields.address === lost.address);
    await cluster.serves(ref, addresses);
    await lost.container.pause();
    await cluster.serves(ref, [`${lost.address} out`, ...addresses.slice(1)]);
    expect(said('server-unhealthy')).toHaveLength(1);
    await lost.container.unpause();
    await cluster.serves(ref, addresses);
    expect(said('server-healthy')).toHaveLength(1);
  });

  it('removes a dead host at once when its key is gone', async () => {
    await using watcher = RealWatcher.of(cluster, {}, { healthCheck });
    for (const { service, address } of backends()) {
      await cluster.etcd.put(`/services/${service}/${address}`, '{}');
    }
    const [lost, left] = backends();
    if (!lost || !left) throw new Error('no backends');
    await cluster.serves(ref, [lost.address, left.address]);
    await lost.container.pause();
    await until('it is found dead', () => watcher.log.events('server-unhealthy').length === 1);
    await cluster.etcd.ctl('del', `/services/${lost.service}/${lost.address}`);
    await cluster.serves(ref, [left.address]);
    // NGINX shows it before the watcher has its answer.
    await until('the removal is said', () => watcher.log.events('server-removed').length > 0);
    expect(watcher.log.events('server-removed')).toMatchObject([{ fields: { reason: 'failing' } }]);
    await lost.container.unpause();
  });
});
