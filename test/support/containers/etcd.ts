/** etcd, alone or as a cluster. */
import { type Container, startContainer } from './container.js';
import type { TestNetwork } from './network.js';
import { until } from './until.js';

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;

export interface Etcd {
  readonly container: Container;
  /** For clients on the host. */
  readonly url: string;
  /** For clients on the network. */
  readonly endpoint: string;
  /** Runs `etcdctl` and resolves with what it printed; rejects when it fails. */
  ctl(...args: string[]): Promise<string>;
  put(key: string, value: string, leaseId?: string): Promise<void>;
  /** Deletes a key, or with a trailing `/` all keys under it. */
  delete(key: string): Promise<void>;
  /** The values of all keys that begin with `prefix`. */
  list(prefix: string): Promise<Map<string, string>>;
  /** Grants a lease and resolves with its id. */
  grant(ttlSeconds: number): Promise<string>;
}

async function answersHealthy(container: Container): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${container.port(CLIENT_PORT)}/health`, {
    signal: AbortSignal.timeout(2_000),
  });
  return ((await response.json()) as { health: string }).health === 'true';
}

// Nothing a test stores has to outlive the host, so nothing waits for the disk.
function arguments_(name: string, cluster: string[]): string[] {
  return [
    `--name=${name}`,
    `--advertise-client-urls=http://${name}:${CLIENT_PORT}`,
    `--listen-peer-urls=http://0.0.0.0:${PEER_PORT}`,
    `--initial-advertise-peer-urls=http://${name}:${PEER_PORT}`,
    `--initial-cluster=${cluster.map((member) => `${member}=http://${member}:${PEER_PORT}`).join(',')}`,
    '--unsafe-no-fsync',
    // Nor is a test's password a secret: checking one takes 80 ms of CPU otherwise, more than etcd's clients wait when many ask.
    '--bcrypt-cost=4',
    '--logger=zap',
    '--log-level=warn',
  ];
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

function clientOf(container: Container): Etcd {
  async function ctl(...args: string[]): Promise<string> {
    const { exitCode, output, stdout } = await container.exec(['etcdctl', ...args]);
    if (exitCode !== 0) throw new Error(`etcdctl ${args.join(' ')} ended with ${exitCode}: ${output}`);
    return stdout;
  }
  return {
    container,
    url: `http://127.0.0.1:${container.port(CLIENT_PORT)}`,
    endpoint: `http://${container.name}:${CLIENT_PORT}`,
    ctl,
    async put(key, value, leaseId) {
      await ctl('put', ...(leaseId ? [`--lease=${leaseId}`] : []), '--', key, value);
    },
    async delete(key) {
      await ctl('del', ...(key.endsWith('/') ? ['--prefix'] : []), key);
    },
    async list(prefix) {
      const { kvs = [] } = JSON.parse(await ctl('get', '--prefix', '-w', 'json', prefix)) as {
        kvs?: { key: string; value?: string }[];
      };
      return new Map(kvs.map(({ key, value }) => [decode(key), decode(value ?? '')]));
    },
    async grant(ttlSeconds) {
      const { ID } =
        /lease (?<ID>[0-9a-f]+) granted/.exec(await ctl('lease', 'grant', String(ttlSeconds)))?.groups ?? {};
      if (ID === undefined) throw new Error('etcdctl granted no lease');
      return ID;
    },
  };
}

async function startMember(
  network: TestNetwork,
  name: string,
  cluster: string[],
  { entrypoint, args = [] }: { entrypoint?: string[]; args?: readonly string[] } = {},
): Promise<Etcd> {
  const container = await startContainer({
    image: 'sidekick-etcd',
    name,
    network,
    ...(entrypoint && { entrypoint }),
    command: [...arguments_(name, cluster), ...args],
    ports: [CLIENT_PORT],
    ready: (self) => until(`${name} is healthy`, () => answersHealthy(self)),
  });
  return clientOf(container);
}

// A token of its own each time it begins with an empty directory: one that replaces another is another cluster, with
// another id. Where there is data the token is not looked at.
const ALONE = `exec etcd --data-dir=/var/lib/etcd --listen-client-urls=http://0.0.0.0:${CLIENT_PORT} \
  --initial-cluster-token="$(cat /proc/sys/kernel/random/uuid)" "$@"`;

/** Starts one etcd, named `etcd` unless told otherwise; `args` are further options of etcd's own. */
export function startEtcd(network: TestNetwork, name = 'etcd', ...args: string[]): Promise<Etcd> {
  return startMember(network, name, [name], { entrypoint: ['sh', '-c', ALONE, 'etcd'], args });
}

/** Starts a cluster of `size` members, `etcd-1` and so on. */
export function startEtcdCluster(network: TestNetwork, size: number): Promise<Etcd[]> {
  const names = Array.from({ length: size }, (_, index) => `etcd-${index + 1}`);
  return Promise.all(names.map((name) => startMember(network, name, names)));
}
