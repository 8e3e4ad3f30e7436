/** Three etcd members that can be killed, frozen, kept apart, and set back to an earlier state. */
import { getContainerRuntimeClient } from 'testcontainers';
import { type Container, startContainer, type TestNetwork, until } from '../support/containers/index.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;
const NAMES = ['etcd-1', 'etcd-2', 'etcd-3'] as const;

// A member that finds the mark begins anew from the snapshot beside it.
const SCRIPT = `
if [ -e /tmp/restore ]; then
  rm -rf /tmp/data /tmp/restore.log
  etcdutl snapshot restore /tmp/snapshot.db --data-dir=/tmp/data --name="$NAME" --initial-cluster="$CLUSTER" \
    --initial-advertise-peer-urls="$PEER" --initial-cluster-token="$(cat /tmp/restore)" || exit 1
  rm /tmp/restore
fi
exec etcd --data-dir=/tmp/data --name="$NAME" --initial-cluster="$CLUSTER" --initial-advertise-peer-urls="$PEER" \
  --listen-peer-urls=http://0.0.0.0:${PEER_PORT} --listen-client-urls=http://0.0.0.0:${CLIENT_PORT} \
  --advertise-client-urls="http://127.0.0.1:${CLIENT_PORT}" --unsafe-no-fsync --logger=zap --log-level=error`;

export interface Member {
  readonly name: string;
  readonly container: Container;
  /** What the other members reach it by. */
  readonly proxy: TcpProxy;
  /** What the registrar and the reader reach it by. */
  readonly front: TcpProxy;
}

export class Cluster {
  readonly members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.members = members;
  }

  static async start(network: TestNetwork): Promise<Cluster> {
    const gateway = await gatewayOf(network);
    const containers = new Map<string, Container>();
    const proxies = new Map<string, TcpProxy>();
    for (const name of NAMES) {
      const target = () => ({ host: containers.get(name)?.ip || '127.0.0.1', port: PEER_PORT });
      proxies.set(name, await TcpProxy.start(target, gateway));
    }
    const peers = [...proxies].map(([name, { address }]) => `${name}=http://${address}`).join(',');
    const members = await Promise.all(
      [...proxies].map(async ([name, proxy]) => {
        const container = await startContainer({
          image: 'sidekick-etcd',
          name,
          network,
          entrypoint: ['sh', '-c', SCRIPT],
          environment: { NAME: name, PEER: `http://${proxy.address}`, CLUSTER: peers },
          ports: [CLIENT_PORT],
        });
        containers.set(name, container);
        const front = await TcpProxy.start({ host: '127.0.0.1', port: container.port(CLIENT_PORT) });
        return { name, container, proxy, front };
      }),
    );
    const cluster = new Cluster(members);
    await cluster.healthy();
    return cluster;
  }

  /** Through the proxies. */
  get fronts(): string[] {
    return this.members.map(({ front }) => front.address);
  }

  /** Past them. */
  get endpoints(): string[] {
    return this.members.map(({ container }) => `http://127.0.0.1:${container.port(CLIENT_PORT)}`);
  }

  /** Resolves once every member has a leader and answers. */
  async healthy(): Promise<void> {
    await Promise.all(this.members.map((member) => this.#healthy(member)));
  }

  /** Resolves once one member does. */
  async answers(): Promise<void> {
    await Promise.any(this.members.map((member) => this.#healthy(member)));
  }

  // By etcd's own health check, which is a linearizable read.
  #healthy({ name, container }: Member): Promise<true> {
    return until(`${name} is healthy`, async () => {
      const response = await fetch(`http://127.0.0.1:${container.port(CLIENT_PORT)}/health`, {
        signal: AbortSignal.timeout(500),
      });
      return ((await response.json()) as { health: string }).health === 'true';
    });
  }

  /** Runs `etcdctl` on a member, again and again while that has no leader. */
  async ctl(member: Member, ...args: string[]): Promise<string> {
    return until(`etcdctl ${args.join(' ')}`, async () => {
      const { exitCode, output, stdout } = await member.container.exec(['etcdctl', ...args]);
      if (exitCode === 0 || output.includes('has been compacted')) return stdout || ' ';
      throw new Error(`ended with ${exitCode}: ${output}`);
    });
  }

  async leader(): Promise<Member> {
    return until('there is a leader', async () => {
      for (const member of this.members) {
        const [status] = JSON.parse(await this.ctl(member, 'endpoint', 'status', '-w', 'json')) as [
          { Status: { header: { member_id: number }; leader: number } },
        ];
        if (status.Status.leader === status.Status.header.member_id) return member;
      }
      return undefined;
    });
  }

  /** Lets the member reach no other, and none reach it; clients still do. */
  isolate(member: Member): void {
    for (const other of this.members) {
      other.proxy.refuse(other === member ? undefined : (from) => from === member.container.ip);
    }
  }

  /** Ends every isolation. */
  join(): void {
    for (const { proxy } of this.members) proxy.heal();
  }

  /** Takes a snapshot, and leaves it with every member. */
  async snapshot(): Promise<void> {
    const [first] = this.members;
    if (!first) return;
    await this.ctl(first, 'snapshot', 'save', '/tmp/snapshot.db');
    const { stdout } = await first.container.exec(['sh', '-c', 'gzip -9 < /tmp/snapshot.db | base64 -w0']);
    for (const { container } of this.members.slice(1)) {
      const script = 'printf %s "$1" | base64 -d | gzip -d > /tmp/snapshot.db';
      await container.exec(['sh', '-c', script, 'sh', stdout]);
    }
  }

  /** Sets the whole cluster back to the snapshot; another token makes another cluster of it, with another id. */
  async restore(token: string): Promise<void> {
    for (const { container } of this.members)
      await container.exec(['sh', '-c', 'printf %s "$1" > /tmp/restore', 'sh', token]);
    await this.each((member) => member.container.kill());
    await this.each((member) => member.container.start());
  }

  async each(action: (member: Member) => Promise<void>): Promise<void> {
    await Promise.all(this.members.map(action));
  }

  async close(): Promise<void> {
    await Promise.all(this.members.flatMap(({ proxy, front }) => [proxy.close(), front.close()]));
  }
}

/** The host's own address on the network, which containers reach it by. */
async function gatewayOf(network: TestNetwork): Promise<string> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const { IPAM } = (await dockerode.getNetwork(network.name).inspect()) as {
    IPAM: { Config: { Gateway: string }[] };
  };
  const gateway = IPAM.Config[0]?.Gateway;
  if (gateway === undefined) throw new Error(`the network ${network.name} has no gateway`);
  return gateway;
}
