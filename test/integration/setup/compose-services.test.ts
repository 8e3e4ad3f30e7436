/** The services of docker/compose.yaml, each by itself and as confined as it says: each image once. */
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { getContainerRuntimeClient } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Authority } from '../../support/certificates.js';
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
  secrets?: { source: string; target: string }[];
  group_add?: string[];
}

const { services } = parse(readFileSync(new URL('../../../docker/compose.yaml', import.meta.url), 'utf8'), {
  merge: true,
  maxAliasCount: -1,
}) as { services: Record<string, Service> };

type Engine = Awaited<ReturnType<typeof getContainerRuntimeClient>>['container'];
type Handle = Awaited<ReturnType<Engine['dockerode']['createContainer']>>;

let network: TestNetwork;
let engine: Engine['dockerode'];
let authority: Authority;

beforeAll(async () => {
  authority = new Authority();
  for (const name of ['gateway', 'upload']) authority.issue(name);
  writeFileSync(path.join(authority.directory, 'upload.token'), 'a-token-of-twenty-one\n');
  // Users of containers are others; the directory is what keeps it from those of this host.
  for (const name of ['gateway.key', 'upload.key']) chmodSync(path.join(authority.directory, name), 0o644);
  network = await startNetwork();
  engine = (await getContainerRuntimeClient()).container.dockerode;
});

afterAll(async () => {
  await network?.remove();
  authority?.[Symbol.dispose]();
});

function tmpfsOf(paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    paths.map((entry) => [entry.replace(/:.*/, ''), entry.includes(':') ? entry.replace(/^[^:]*:/, '') : '']),
  );
}

/** Starts it with volumes of its own, or with that of another container, in place of those that Compose names. */
async function startService(
  { image, environment = {}, ...service }: Service,
  { volumesOf, entrypoint }: { readonly volumesOf?: Handle; readonly entrypoint?: string[] } = {},
): Promise<Handle> {
  const volumes = volumesOf ? [] : (service.volumes ?? []);
  const container = await engine.createContainer({
    Image: image,
    Labels: ownerLabels(),
    ...(entrypoint && { Entrypoint: entrypoint }),
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      NetworkMode: network.name,
      ReadonlyRootfs: service.read_only,
      CapDrop: service.cap_drop,
      CapAdd: service.cap_add ?? [],
      SecurityOpt: service.security_opt,
      Tmpfs: tmpfsOf(service.tmpfs ?? []),
      GroupAdd: service.group_add ?? [],
      ...(volumesOf && { VolumesFrom: [volumesOf.id] }),
      Mounts: [
        ...volumes.map((volume) => ({
          Type: 'volume' as const,
          Source: '',
          Target: volume.split(':')[1] ?? '',
        })),
        // As Compose has secrets that are files.
        ...(service.secrets ?? []).map(({ source, target }) => ({
          Type: 'bind' as const,
          Source: path.join(authority.directory, source),
          Target: target,
          ReadOnly: true,
        })),
      ],
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

describe('firmware-1 and its sidekick', () => {
  const BLOBS = '/srv/firmware/blobs';

  it('each replace and remove what the other wrote', async () => {
    const server = await startService(services['firmware-1'] as Service);
    const sidekick = await startService(services['firmware-1-sidekick'] as Service, {
      volumesOf: server,
      entrypoint: ['sleep', 'infinity'],
    });
    try {
      for (const [one, other] of [
        [server, sidekick],
        [sidekick, server],
      ] as const) {
        const write = (name: string) => `echo x >${BLOBS}/${name} && chmod 644 ${BLOBS}/${name}`;
        expect(await run(one, ['sh', '-c', `${write('a')} && ${write('b')}`])).toBe(0);
        expect(await run(other, ['sh', '-c', `cat ${BLOBS}/a && ${write('new')}`])).toBe(0);
        expect(await run(other, ['sh', '-c', `mv ${BLOBS}/new ${BLOBS}/a && rm ${BLOBS}/b`])).toBe(0);
      }
    } finally {
      for (const container of [sidekick, server]) await container.remove({ force: true, v: true });
    }
  });
});
