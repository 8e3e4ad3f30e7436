/** The images as such: what an engine and an operator expect of any. */
import { getContainerRuntimeClient } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startContainer,
  startNetwork,
  startSidekick,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';

/** Images, with what they need to be told to run as one of a kind. */
const SERVERS: readonly { readonly image: string; readonly command?: string[] }[] = [
  { image: 'sidekick-gateway' },
  { image: 'sidekick-firmware' },
  { image: 'sidekick-mosquitto' },
  { image: 'sidekick-etcd', command: ['--advertise-client-urls=http://127.0.0.1:2379', '--unsafe-no-fsync'] },
];

/** A registrar that runs on although its etcd does not. */
const REGISTER = 'register --service x --address 10.0.0.1:1 --etcd-endpoints http://127.0.0.1:1'.split(' ');

let network: TestNetwork;

beforeAll(async () => {
  network = await startNetwork();
});

afterAll(() => network?.remove());

async function healthCheckOf(image: string): Promise<string[]> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const { Config } = await dockerode.getImage(image).inspect();
  const [kind, ...command] = (Config as { Healthcheck?: { Test: string[] } }).Healthcheck?.Test ?? [];
  expect(kind).toBe('CMD');
  return command;
}

describe.each(SERVERS)('the image $image', ({ image, command }) => {
  it('has a health check that succeeds while its server answers, and fails where none runs', async () => {
    const check = await healthCheckOf(image);
    const [server, idle] = await Promise.all([
      startContainer({ image, name: image, network, ...(command && { command }) }),
      startContainer({ image, name: `${image}-idle`, network, entrypoint: ['tini', '--', 'sleep', '600'] }),
    ]);
    await until('the health check succeeds', async () => (await server.exec(check)).exitCode === 0);
    expect((await idle.exec(check)).exitCode).not.toBe(0);
    await Promise.all([server.remove(), idle.remove()]);
  });

  it('stops on a signal that comes before its server is up', async () => {
    const server = await startContainer({
      image,
      name: `${image}-early`,
      network,
      ...(command && { command }),
    });
    // Sent when the container counts as started, which is before the program has set up its own handling.
    await server.signal('SIGTERM');
    await server.exited();
    await server.remove();
  });
});

describe('the image sidekick', () => {
  it('stops on a signal in its first moments', async () => {
    const { container } = await startSidekick(network, {
      name: 'early',
      args: REGISTER,
    });
    await container.signal('SIGTERM');
    expect([0, 143]).toContain(await container.exited());
  });

  it('has `sidekick` for docker exec', async () => {
    const container = await startContainer({
      image: 'sidekick',
      name: 'exec',
      network,
      command: [...REGISTER],
    });
    const { exitCode, output } = await container.exec(['sidekick', '--version']);
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: expect.stringMatching(/^sidekick \d+\.\d+\.\d+ \(.*built \d{4}-\d\d-\d\dT[\d:]+Z\)\s*$/),
    });
  });

  it('reaps the child that the program of an exec probe leaves behind', async () => {
    const { container } = await startSidekick(network, {
      name: 'zombies',
      args: [
        ...REGISTER,
        ...['--probe-type', 'exec', '--probe-interval', '200ms'],
        // On a command line a program's arguments are separated by spaces.
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
        ...['--probe-command', 'sh -c sleep${IFS}0.1&echo>>/tmp/probes'],
      ],
    });
    const run = async (script: string) => Number((await container.exec(['sh', '-c', script])).output);
    await until('twelve probes were made', async () => (await run('wc -l </tmp/probes || echo 0')) >= 12);
    // Without an init each would have left one. A child may be on its way out at any moment.
    expect(await run('cat /proc/[0-9]*/stat 2>/dev/null | grep -c ") Z "; true')).toBeLessThanOrEqual(2);
  });
});
