/** What the cluster says of itself: NGINX's servers and etcd's keys. */
import { readFileSync } from 'node:fs';
import { until } from '../support/containers/until.js';
import { addressOf, NODES, type Node, on, onWith, property } from './hosts.js';

export type Service = 'firmware' | 'mqtt';

const GROUPS = {
  firmware: { path: 'http/upstreams/firmware', port: 8080, unit: 'firmware' },
  mqtt: { path: 'stream/upstreams/mqtt', port: 1883, unit: 'mqtt-broker' },
} as const;

/** A server as NGINX's API shows it. */
interface Server {
  readonly id: number;
  readonly server: string;
  readonly drain?: boolean;
  readonly down: boolean;
  readonly weight: number;
}

/** `192.168.56.12:8080` for the firmware server of node2. */
function instanceOf(service: Service, node: Node): string {
  return `${addressOf(node)}:${GROUPS[service].port}`;
}

export function keyOf(service: Service, node: Node): string {
  return `/services/${service}/${instanceOf(service, node)}`;
}

/** `firmware@2` for the firmware server of node2. */
export function unitOf(service: Service, node: Node): string {
  return `${GROUPS[service].unit}@${node.slice(-1)}`;
}

export function sidekickOf(service: Service, node: Node): string {
  return `sidekick@${unitOf(service, node)}`;
}

export async function servers(service: Service): Promise<Server[]> {
  const url = `http://${addressOf('lb')}:8080/api/9/${GROUPS[service].path}/servers`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return (await response.json()) as Server[];
}

/** The server of a node; undefined where NGINX has none. */
export async function serverOf(service: Service, node: Node): Promise<Server | undefined> {
  return (await servers(service)).find(({ server }) => server === instanceOf(service, node));
}

/** The nodes whose server is in NGINX and takes traffic. */
export async function serving(service: Service): Promise<Node[]> {
  const all = await servers(service);
  return NODES.filter((node) => {
    const found = all.find(({ server }) => server === instanceOf(service, node));
    return found !== undefined && !found.down && !found.drain;
  });
}

/** Resolves when both services are served by just these nodes. */
export async function untilServing(nodes: readonly Node[], timeoutMs = 120_000): Promise<void> {
  for (const service of ['firmware', 'mqtt'] as const) await untilServiceOn(service, nodes, timeoutMs);
}

/** The same for one service. */
export async function untilServiceOn(
  service: Service,
  nodes: readonly Node[],
  timeoutMs = 120_000,
): Promise<void> {
  await until(
    `${service} on ${nodes.join(', ')}`,
    async () =>
      (await serving(service)).join() === nodes.join() && (await servers(service)).length === nodes.length,
    { timeoutMs },
  );
}

/** Runs etcdctl on a node, against its own member, as etcd's root. */
export function etcdctl(node: Node, ...args: string[]): Promise<string> {
  const root = new URL('../../build/cluster/authority/passwords/root', import.meta.url);
  const environment = {
    ETCDCTL_API: '3',
    ETCDCTL_ENDPOINTS: 'https://127.0.0.1:2379',
    ETCDCTL_CACERT: '/etc/etcd-tls/ca.crt',
    ETCDCTL_CERT: '/etc/etcd-tls/host.crt',
    ETCDCTL_KEY: '/etc/etcd-tls/host.key',
    ETCDCTL_USER: 'root',
    ETCDCTL_PASSWORD: readFileSync(root, 'utf8').trim(),
  };
  return onWith(environment, node, 'etcdctl', ...args);
}

/** The revision that a key was created at, which stays as long as it is never deleted; undefined where there is none. */
export async function createdAt(node: Node, key: string): Promise<number | undefined> {
  const { kvs = [] } = JSON.parse(await etcdctl(node, 'get', '-w', 'json', key)) as {
    kvs?: { create_revision: number }[];
  };
  return kvs[0]?.create_revision;
}

/** The node whose member leads. */
export async function leader(): Promise<Node> {
  for (const node of NODES) {
    const answer = JSON.parse(await etcdctl(node, 'endpoint', 'status', '-w', 'json')) as {
      Status: { header: { member_id: number }; leader: number };
    }[];
    const [status] = answer;
    if (status && status.Status.leader === status.Status.header.member_id) return node;
  }
  throw new Error('no member of etcd leads');
}

/** When a unit left `active`, in microseconds of its host's clock. */
export async function stoppedAt(node: Node, unit: string): Promise<number> {
  return Number(await property(node, unit, 'ActiveExitTimestampMonotonic'));
}

/** When a unit had ended, in microseconds of its host's clock. */
export async function endedAt(node: Node, unit: string): Promise<number> {
  return Number(await property(node, unit, 'InactiveEnterTimestampMonotonic'));
}

/** Stops and starts a firmware server: proof that the way from systemd to NGINX works. */
export async function exercise(node: Node): Promise<void> {
  await on(node, 'systemctl', 'stop', unitOf('firmware', node));
  if (await serverOf('firmware', node)) throw new Error(`${node} is still in NGINX`);
  await on(node, 'systemctl', 'start', unitOf('firmware', node));
  await untilServing(NODES);
}
