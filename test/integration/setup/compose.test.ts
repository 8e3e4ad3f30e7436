/** What the README says of Docker Compose, word for word, with the Compose that Debian has; and Prometheus beside it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { getContainerRuntimeClient } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type Container,
  freePort,
  startContainer,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
/** What `docker/compose.yaml` publishes when it is told nothing else: the README's `curl` asks there. */
const HTTP_PORT = '8000';
const PREFIX = 'sidekick-test-compose-';
const PROJECT = `${PREFIX}${process.pid}`;
const PROJECT_LABEL = 'com.docker.compose.project';

const readme = readFileSync(`${ROOT}/README.md`, 'utf8');
const [, commands = ''] = /<!-- compose: begin -->\n```\n([^`]*)```/.exec(readme) ?? [];
const [setup = '', up = '', ask = ''] = commands.trim().split('\n');

const monitoring = readFileSync(`${ROOT}/docker/compose.monitoring.yaml`, 'utf8');
/** The command at the head of the file, begun in the background. */
const upMonitored = `${/^# +(docker compose .* up)$/m.exec(monitoring)?.[1]} --detach --wait`;

let network: TestNetwork;
/** Where the commands run, at the same path as here: Compose tells the engine paths of the host. */
let shell: Container;
let engine: Awaited<ReturnType<typeof getContainerRuntimeClient>>['container']['dockerode'];
const ports: Record<string, string> = {};

beforeAll(async () => {
  engine = (await getContainerRuntimeClient()).container.dockerode;
  await removeProjects((project) => project.startsWith(PREFIX) && isDead(Number(project.split('-').at(-1))));
  for (const name of ['ETCD', 'HTTP', 'API', 'HTTPS', 'MQTT', 'PROMETHEUS'])
    ports[`${name}_PORT`] = String(await freePort());
  network = await startNetwork();
  shell = await startContainer({
    image: 'sidekick-compose',
    name: 'shell',
    network,
    onHost: true,
    environment: { ...ports, COMPOSE_PROJECT_NAME: PROJECT },
    binds: { [ROOT]: ROOT, '/var/run/docker.sock': socketOf(process.env.DOCKER_HOST) },
  });
});

afterAll(async () => {
  await removeProjects((project) => project === PROJECT);
  await network?.remove();
});

/** The engine's socket, where it has one. */
function socketOf(host = 'unix:///var/run/docker.sock'): string {
  return host.replace(/^unix:\/\//, '');
}

function isDead(pid: number): boolean {
  return !existsSync(`/proc/${pid}`);
}

/** Removes all that Compose made for some projects, and that no `down` has removed. */
async function removeProjects(isMeant: (project: string) => boolean): Promise<void> {
  const filters = { label: [PROJECT_LABEL] };
  const ours = ({ Labels }: { Labels?: Record<string, string> | undefined }) =>
    isMeant(Labels?.[PROJECT_LABEL] ?? '');
  for (const { Id } of (await engine.listContainers({ all: true, filters })).filter(ours))
    await engine.getContainer(Id).remove({ force: true, v: true });
  for (const { Id } of (await engine.listNetworks({ filters })).filter(ours))
    await engine.getNetwork(Id).remove();
  for (const { Name } of (await volumes(filters)).filter(ours)) await engine.getVolume(Name).remove();
}

/** The engine answers null where there is none. */
async function volumes(filters: Record<string, string[]>) {
  type Answer = Awaited<ReturnType<typeof engine.listVolumes>>;
  const answer = (await engine.listVolumes({ filters })) as Omit<Answer, 'Volumes'> & {
    Volumes: Answer['Volumes'] | null;
  };
  return answer.Volumes ?? [];
}

async function run(command: string): Promise<string> {
  const { exitCode, output } = await shell.exec(['sh', '-c', `cd ${ROOT} && ${command}`]);
  expect({ command, exitCode, output }).toMatchObject({ exitCode: 0 });
  return output;
}

async function servers(kind: string, upstream: string): Promise<{ down: boolean }[]> {
  const api = `http://127.0.0.1:${ports.API_PORT}/api/9/${kind}/upstreams/${upstream}/servers`;
  return (await (await fetch(api)).json()) as { down: boolean }[];
}

interface Targets {
  readonly activeTargets: readonly { readonly scrapeUrl: string; readonly health: string }[];
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly name: string; readonly health: string }[];
  }[];
}

interface Vector {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [number, string];
  }[];
}

/** What Prometheus answers: https://prometheus.io/docs/prometheus/latest/querying/api/ */
async function prometheus<T>(path: string): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${ports.PROMETHEUS_PORT}/api/v1/${path}`);
  return ((await response.json()) as { data: T }).data;
}

// The tests build on each other.
describe('docker/compose.yaml, by the three commands of the README', () => {
  it('needs a set-up, Compose and a request', () => {
    expect(setup).toBe('npm run setup');
    expect(up).toMatch(/^docker compose -f docker\/compose\.yaml up /);
    expect(ask).toMatch(new RegExp(`^curl -O http://127\\.0\\.0\\.1:${HTTP_PORT}/`));
  });

  it('comes up with every backend in NGINX, and serves a file through it', async () => {
    const [program = '', ...args] = setup.split(' ');
    expect(spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' })).toMatchObject({ status: 0 });
    await run(up);
    const got = await run(ask.replace('-O', '-fsS').replace(`:${HTTP_PORT}/`, `:${ports.HTTP_PORT}/`));
    expect(got.length).toBeGreaterThan(0);
    // Ready is registered, and what is registered is in NGINX: --wait has waited for that.
    for (const [kind, upstream] of [
      ['http', 'firmware'],
      ['stream', 'mqtt'],
    ] as const)
      expect((await servers(kind, upstream)).map(({ down }) => down)).toEqual([false, false, false]);
  }, 400_000);

  it('is scraped by the Prometheus of docker/compose.monitoring.yaml, with the alert rules', async () => {
    await run(upMonitored);
    const { activeTargets } = await until('every target is up', async () => {
      const targets = await prometheus<Targets>('targets');
      return targets.activeTargets.every(({ health }) => health === 'up') && targets;
    });
    const hosts = activeTargets.map(({ scrapeUrl }) => new URL(scrapeUrl).hostname);
    expect(hosts.sort()).toEqual([
      'broker-1',
      'broker-2',
      'broker-3',
      'firmware-1',
      'firmware-2',
      'firmware-3',
      'watcher',
    ]);

    const file = parse(readFileSync(`${ROOT}/docker/prometheus/alerts.yaml`, 'utf8')) as {
      groups: { rules: { alert: string }[] }[];
    };
    const rules = await until('every rule was evaluated', async () => {
      const { groups } = await prometheus<Rules>('rules');
      const all = groups.flatMap((group) => group.rules);
      return all.every(({ health }) => health === 'ok') && all;
    });
    expect(rules.map(({ name }) => name)).toEqual(
      file.groups.flatMap((group) => group.rules).map(({ alert }) => alert),
    );

    const query = encodeURIComponent('sum by (upstream) (sidekick_upstream_servers{state="up"})');
    await until('it knows the servers', async () => {
      const { result } = await prometheus<Vector>(`query?query=${query}`);
      const counts = Object.fromEntries(result.map(({ metric, value }) => [metric.upstream, value[1]]));
      return counts.firmware === '3' && counts.mqtt === '3';
    });
  }, 400_000);

  it('leaves nothing after down --volumes', async () => {
    await run(upMonitored.replace(/ up .*/, ' down --volumes'));
    const filters = { label: [`${PROJECT_LABEL}=${PROJECT}`] };
    expect(await engine.listContainers({ all: true, filters })).toEqual([]);
    expect(await engine.listNetworks({ filters })).toEqual([]);
    expect(await volumes(filters)).toEqual([]);
  }, 200_000);
});
