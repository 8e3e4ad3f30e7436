/** The services of docker/compose.yaml, as confined as it says: each image once. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { getContainerRuntimeClient } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { ownerLabels } from '../../support/containers/owner.js';

interface Service {
  image: string;
  read_only: boolean;
  cap_drop: string[];
  cap_add?: string[];
  security_opt: string[];
  tmpfs?: string[];
  volumes?: string[];
  environment?: Record<string, string>;
}

const { services } = parse(readFileSync(new URL('../../../docker/compose.yaml', import.meta.url), 'utf8'), {
  merge: true,
  maxAliasCount: -1,
}) as { services: Record<string, Service> };

type Engine = Awaited<ReturnType<typeof getContainerRuntimeClient>>['container'];
type Handle = Awaited<ReturnType<Engine['dockerode']['createContainer']>>;

let network: TestNetwork;
let engine: Engine['dockerode'];

beforeAll(async () => {
  network = await startNetwork();
  engine = (await getContainerRuntimeClient()).container.dockerode;
});

afterAll(() => network?.remove());

function tmpfsOf(paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    paths.map((entry) => [entry.replace(/:.*/, ''), entry.includes(':') ? entry.replace(/^[^:]*:/, '') : '']),
  );
}

/** Starts it with volumes of its own in place of those that Compose names. */
async function startService({ image, environment = {}, ...service }: Service): Promise<Handle> {
  const container = await engine.createContainer({
    Image: image,
    Labels: ownerLabels(),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      NetworkMode: network.name,
      ReadonlyRootfs: service.read_only,
      CapDrop: service.cap_drop,
      CapAdd: service.cap_add ?? [],
      SecurityOpt: service.security_opt,
      Tmpfs: tmpfsOf(service.tmpfs ?? []),
      Mounts: (service.volumes ?? []).map((volume) => ({
        Type: 'volume' as const,
        Source: '',
        Target: volume.split(':')[1] ?? '',
      })),
    },
  });
  await container.start();
  return container;
}

async function run(container: Handle, command: string[]): Promise<number | null> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  stream.resume();
  await once(stream, 'end');
  return (await exec.inspect()).ExitCode;
}

async function healthCheckOf(image: string): Promise<string[]> {
  const { Config } = await engine.getImage(image).inspect();
  return (Config as { Healthcheck: { Test: string[] } }).Healthcheck.Test.slice(1);
}

describe.each(['etcd', 'gateway', 'firmware-1', 'broker-1'])('%s of docker/compose.yaml', (name) => {
  it('works with only the rights that it is given there, also after a restart', async () => {
    const service = services[name] as Service;
    const check = await healthCheckOf(service.image);
    const container = await startService(service);
    try {
      await until(`${name} is healthy`, async () => (await run(container, check)) === 0);
      if (name === 'gateway') expect(await run(container, ['nginx', '-s', 'reload'])).toBe(0);
      await container.restart({ t: 30 });
      await until(`${name} is healthy again`, async () => (await run(container, check)) === 0);
      expect(await run(container, ['sh', '-c', 'echo >/etc/x'])).not.toBe(0);
    } finally {
      await container.remove({ force: true, v: true });
    }
  });
});
