/** The hosts of the cluster from outside: commands on them, and what happens to a machine as a whole. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { until } from '../support/containers/until.js';

const execute = promisify(execFile);

const CLUSTER = JSON.parse(
  readFileSync(new URL('../../docker/host/cluster.json', import.meta.url), 'utf8'),
) as { hosts: Record<string, string>; container: readonly string[] };

/** The network that Vagrant makes for the hosts' private addresses. */
const NETWORK = 'vagrant_network_192.168.56.0/24';

export type Node = 'node1' | 'node2' | 'node3';
export type Host = Node | 'lb';

export const NODES: readonly Node[] = ['node1', 'node2', 'node3'];

export function addressOf(host: Host): string {
  const address = CLUSTER.hosts[host];
  if (address === undefined) throw new Error(`cluster.json has no host ${host}`);
  return address;
}

/** A host that has nothing of this project until a test gives it something: what a reader of the documents begins with. */
export type FreshHost = 'fresh-lb' | 'fresh-backend';

const containerOf = (host: Host | FreshHost) => `sidekick-${host}`;

type Environment = Readonly<Record<string, string>>;

async function dockerWith(env: Environment, ...args: string[]): Promise<string> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await execute('docker', args, options);
  return stdout.trim();
}

function docker(...args: string[]): Promise<string> {
  return dockerWith({}, ...args);
}

/** Runs a command on a host, as root, and resolves with what it printed; rejects, with its output, when it fails. */
export function on(host: Host | FreshHost, ...command: string[]): Promise<string> {
  return onWith({}, host, ...command);
}

/** The same with variables, whose values are on no command line. */
export function onWith(env: Environment, host: Host | FreshHost, ...command: string[]): Promise<string> {
  const names = Object.keys(env).map((name) => `--env=${name}`);
  return dockerWith(env, 'exec', ...names, containerOf(host), ...command);
}

/** A property of a unit, as systemctl shows it. */
export function property(host: Host, unit: string, name: string): Promise<string> {
  return on(host, 'systemctl', 'show', '--value', '--property', name, unit);
}

/** Stops the whole machine as it stands, as `vagrant suspend` does. */
export async function pause(host: Host): Promise<void> {
  await docker('pause', containerOf(host));
}

export async function resume(host: Host): Promise<void> {
  await docker('unpause', containerOf(host));
}

export async function cutNetwork(host: Host): Promise<void> {
  await docker('network', 'disconnect', NETWORK, containerOf(host));
}

export async function mendNetwork(host: Host): Promise<void> {
  await docker('network', 'connect', '--ip', addressOf(host), NETWORK, containerOf(host));
}

/** Shuts the machine down, with all that its units do at their end, and boots it again. */
export async function reboot(host: Host): Promise<void> {
  await docker('restart', '--time', '120', containerOf(host));
}

/** Ends the machine as a power cut does: nothing on it is told. */
export async function kill(host: Host): Promise<void> {
  await docker('kill', containerOf(host));
}

/** Boots a machine that is off. */
export async function boot(host: Host): Promise<void> {
  await docker('start', containerOf(host));
}

/** Runs a container that shares the network of a host, its loopback address included. Returns what removes it. */
export async function runBeside(
  host: Host,
  image: string,
  ...options: string[]
): Promise<() => Promise<void>> {
  const name = `${containerOf(host)}-${image}`;
  const remove = async (): Promise<void> => {
    await docker('rm', '--force', '--volumes', name).catch(() => '');
  };
  await remove();
  await docker(
    'run',
    '--detach',
    `--name=${name}`,
    `--network=container:${containerOf(host)}`,
    ...options,
    image,
  );
  return remove;
}

/** Makes a fresh host in the cluster's network, with one more address, such as `10.0.0.2/24`, and waits until it is up. */
export async function startFresh(host: FreshHost, address: string): Promise<void> {
  await removeFresh(host);
  const options = [...CLUSTER.container, `--network=${NETWORK}`, `--hostname=${host}`];
  await docker('run', '--detach', `--name=${containerOf(host)}`, ...options, 'sidekick-host');
  await on(host, 'ip', 'address', 'add', address, 'dev', 'eth0');
  await until(`${host} is up`, async () => (await on(host, 'systemctl', 'is-system-running')) === 'running');
}

export async function removeFresh(host: FreshHost): Promise<void> {
  await docker('rm', '--force', '--volumes', containerOf(host)).catch(() => '');
}

/** Copies a file of this machine into a directory of a host. */
export async function copyTo(host: FreshHost, file: string, directory: string): Promise<void> {
  await on(host, 'mkdir', '-p', directory);
  await docker('cp', file, `${containerOf(host)}:${directory}/`);
}

async function onAll(...command: string[]): Promise<void> {
  const names = [...NODES, 'lb' as const].map(containerOf);
  await Promise.all(names.map((name) => docker(...command, name).catch(() => '')));
}

/** Ends the machines without their consent, so that nothing is drained into a cluster that is going away. */
export async function killAll(): Promise<void> {
  await onAll('unpause');
  await onAll('kill');
}

/** Removes what Vagrant knows nothing of, such as the hosts of another clone of this repository. */
export async function removeLeftovers(): Promise<void> {
  await onAll('rm', '--force', '--volumes');
  await docker('network', 'rm', NETWORK).catch(() => '');
}

/** What there is to read on a host when something went wrong. */
export async function logsOf(host: Host): Promise<string> {
  const script =
    'journalctl --no-pager --output=short-precise; tail -n 500 /var/log/sidekick-gateway/error.log 2>/dev/null; true';
  return docker('exec', containerOf(host), 'sh', '-c', script);
}
