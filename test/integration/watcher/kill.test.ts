import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_TOKEN_FILE, startEtcdCluster, until } from '../../support/containers/index.js';
import { RealCluster, RealWatcher } from '../../support/real-watching.js';
import { HTTP, STREAM } from '../../support/watching.js';
import { type Cli, start } from '../cli/cli.js';

const A = '127.0.0.1:9001';
const B = '127.0.0.1:9002';

let cluster: RealCluster;

beforeAll(async () => {
  cluster = await RealCluster.start();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

function watch(id: string): Cli {
  const { etcd, gateway } = cluster;
  return start([
    ...['watch', '--id', id, '--etcd-endpoints', etcd.url, '--nginx-api', gateway.api],
    ...['--nginx-token-file', API_TOKEN_FILE],
    // The addresses that these tests register are on this host, and nothing listens there.
    ...['--admin-listen', '127.0.0.1:0', '--gateway-probes', 'off', '--allow', '*=127.0.0.0/8'],
  ]);
}

async function kill(cli: Cli): Promise<void> {
  cli.signal('SIGKILL');
  await cli.ended();
}

describe('a watcher that is killed with SIGKILL', () => {
  // Each event is one step of a drain; the watcher is dead right after it.
  it.each(['server-added', 'server-draining', 'server-removed'])(
    'dies after %s, and its successor completes the drain and acknowledges it',
    async (event) => {
      await cluster.clear();
      const first = watch('lb1');
      await cluster.etcd.put(`/services/firmware/${A}`, '{}');
      await cluster.serves(HTTP, [A]);
      const killed = first
        .event(event, event === 'server-added' ? first.err.lines.length : 0)
        .then(() => kill(first));
      await cluster.etcd.put(`/services/firmware/${B}`, '{}');
      if (event !== 'server-added') await cluster.serves(HTTP, [A, B]);
      await cluster.etcd.put(`/services/firmware/${B}`, '{"drain":true}');
      await killed;
      watch('lb2');
      await cluster.serves(HTTP, [A]);
      await until('the answer', async () => {
        const answers = await cluster.etcd.list('/sidekick/drained/');
        return [...answers.keys()].some((key) => key.endsWith(`${B}/lb2`));
      });
    },
  );

  it('does no lasting harm when it is killed again and again, in the middle of changes', async () => {
    await cluster.clear();
    const addresses = Array.from({ length: 10 }, (_, i) => `127.0.0.1:${9200 + i}`);
    for (const address of addresses) await cluster.etcd.put(`/services/mqtt/${address}`, '{}');
    for (let round = 0; round < 3; round++) {
      const cli = watch('lb1');
      await cli.event('etcd-connected');
      const [changed = ''] = addresses.slice(round);
      await cluster.etcd.put(`/services/mqtt/${changed}`, `{"weight":${round + 2}}`);
      // Each time it is killed at another moment of the change.
      await delay(round * 30);
      await kill(cli);
    }
    watch('lb1');
    await cluster.serves(STREAM, addresses);
    const weights = async () =>
      (await cluster.servers(STREAM)).map(({ parameters }) => parameters.weight).sort((a, b) => a - b);
    await until('the weights', async () => JSON.stringify(await weights()) === '[1,1,1,1,1,1,1,2,3,4]');
  });
});

describe('an etcd of three members', () => {
  it('serves the watcher after its leader was killed', async () => {
    await cluster.clear();
    const members = await startEtcdCluster(cluster.network, 3);
    await using watcher = new RealWatcher({
      etcd: members.map(({ url }) => url),
      nginx: { gateway: cluster.gateway.api },
    });
    const [first] = members;
    if (!first) throw new Error('no members');
    await first.put(`/services/firmware/${A}`, '{}');
    await cluster.serves(HTTP, [A]);
    const statuses = JSON.parse(
      await first.ctl('endpoint', 'status', '--cluster', '-w', 'json'),
    ) as readonly { Endpoint: string; Status: { header: { member_id: number }; leader: number } }[];
    const leading = statuses.find(({ Status }) => Status.header.member_id === Status.leader)?.Endpoint ?? '';
    const leader = members.find(({ endpoint }) => endpoint === leading);
    const follower = members.find((each) => each !== leader);
    if (!leader || !follower) throw new Error(`no leader among ${leading}`);
    await leader.container.kill();
    await until('another leader', () => follower.put(`/services/firmware/${B}`, '{}').then(() => true));
    await cluster.serves(HTTP, [A, B]);
    expect(watcher.log.events('server-removed')).toEqual([]);
    expect(watcher.log.events('server-draining')).toEqual([]);
  });
});
