/** What the workers' user may not do: choose what root reads as configuration. */
import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
} from '../../support/containers/index.js';
import { type FullGateway, startFullGateway } from './gateway.js';

const RUN = '/run/sidekick-gateway';
const STATE = '/var/lib/sidekick-gateway';
const AS_WORKER = ['setpriv', '--reuid=www-data', '--regid=www-data', '--clear-groups'];

let network: TestNetwork | undefined;

async function fresh(): Promise<TestNetwork> {
  await network?.remove();
  network = await startNetwork();
  return network;
}

afterAll(() => network?.remove());

async function run(container: Container, script: string): Promise<string> {
  const { output, exitCode } = await container.exec(['sh', '-c', script]);
  if (exitCode !== 0) throw new Error(`${script}: ${exitCode} ${output}`);
  return output;
}

/** Runs a script as a worker that has been taken over would. */
function asWorker(container: Container, script: string) {
  return container.exec([...AS_WORKER, 'sh', '-c', script]);
}

describe('a compromised worker', () => {
  let gateway: FullGateway;

  beforeAll(async () => {
    gateway = await startFullGateway(await fresh());
  });

  afterEach(() => run(gateway.container, `rm -f ${STATE}/http.x ${STATE}/http.y`));

  it('writes to its state directory alone, and to nothing that root reads', async () => {
    const { output } = await asWorker(
      gateway.container,
      `find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /tmp \\) -prune -o -writable ! -type l -print 2>/dev/null; true`,
    );
    const writable = output.trim().split('\n');
    const harmless = /^\/(var\/(lib\/(nginx|sidekick-gateway)|tmp|log\/nginx)|run\/lock)(\/|$)/;
    expect(writable.filter((path) => !harmless.test(path) && !path.endsWith('.sock'))).toEqual([]);
  });

  it('neither replaces kept.conf nor truncates a file through a link, over a reload and a restart', async () => {
    await run(gateway.container, 'echo precious >/etc/precious');
    for (const name of [
      'kept.conf',
      'kept.map',
      'load',
      'tls.key',
      'nginx.pid',
      'kept.conf.new',
      'kept.seen',
    ]) {
      const attempt = `cd ${RUN} && mv ${name} stolen; ln -sf /etc/precious ${name} || echo 'js_path /tmp/;' >${name}`;
      expect((await asWorker(gateway.container, attempt)).exitCode, name).not.toBe(0);
    }
    await run(gateway.container, 'nginx -t && nginx -s reload && gateway-keepalive now');
    await gateway.container.stop();
    await gateway.container.start();
    expect(await run(gateway.container, 'cat /etc/precious')).toBe('precious\n');
    expect(await run(gateway.container, `find ${RUN} ! -user root`)).toBe('');
  });

  it('gets nothing but addresses of servers into the configuration through its state files', async () => {
    const { container } = gateway;
    await run(container, `printf 'server 10.9.9.9:99;\\n' >/etc/secret && chmod 600 /etc/secret`);
    const lines = [
      'server unix:/run/docker.sock;',
      'server 10.0.0.1:80}include;',
      'server 10.0.0.2:80 weight=1;',
      'server [2001:db8::1]:80;',
      'server example.org:80;',
      'server 10.0.0.3:80\\ninclude /tmp/x;',
      'server 999.0.0.4:80;',
    ].join('\\n');
    const planted = `printf '${lines}\\n' >${STATE}/http.x && ln -s /etc/secret ${STATE}/http.y`;
    expect((await asWorker(container, planted)).exitCode).toBe(0);
    await run(container, 'gateway-keepalive now');
    const kept = await run(container, `cat ${RUN}/kept.map`);
    expect(kept.trim().split('\n')).toEqual([
      '10.0.0.2:80 kept_10.0.0.2_80;',
      '[2001:db8::1]:80 kept__2001_db8__1__80;',
    ]);
  });

  it('does not prevent a reload with an address that NGINX rejects', async () => {
    const { container } = gateway;
    await asWorker(container, `printf 'server [::::1]:80;\\n' >${STATE}/http.x`);
    expect((await container.exec(['gateway-keepalive', 'now'])).exitCode).not.toBe(0);
    expect(await run(container, `cat ${RUN}/kept.conf`)).not.toContain('::::');
    await run(container, 'nginx -t');
  });

  it('does not block gateway-keepalive with a pipe that has no writer', async () => {
    const { container } = gateway;
    await asWorker(container, `mkfifo ${STATE}/http.x`);
    await run(container, 'gateway-keepalive now');
  });
});

/** Runs a script in the image before its entry point, and resolves with the exit code and the output. */
async function entryPointAfter(script: string): Promise<{ code: number; output: string }> {
  const container = await startContainer({
    image: 'sidekick-gateway',
    name: 'gateway',
    network: await fresh(),
    entrypoint: ['sh', '-c', script],
  });
  const code = await container.exited();
  return { code, output: container.logs.lines.join('\n') };
}

describe('the entry point', () => {
  it('follows no link in a directory that root does not own', async () => {
    const { code, output } = await entryPointAfter(
      [
        'echo precious >/etc/precious',
        `mkdir ${RUN} && ln -s /etc/precious ${RUN}/kept.conf && ln -s /etc/precious ${RUN}/tls.key`,
        `chown -h -R www-data ${RUN}`,
        `gateway-entrypoint nginx -t`,
        `cat /etc/precious && find ${RUN} ! -user root`,
      ].join(' && '),
    );
    expect(code, output).toBe(0);
    expect(output.trim().split('\n').at(-1)).toBe('precious');
  });

  it.each([
    ['tls.crt', 'tls.key'],
    ['tls.key', 'tls.crt'],
  ])('exits with an error where %s is there and %s is not', async (present, missing) => {
    const own = '/etc/sidekick-gateway';
    const { code, output } = await entryPointAfter(
      `mkdir -p ${own} && echo x >${own}/${present} && exec gateway-entrypoint nginx -t`,
    );
    expect(code).toBe(1);
    expect(output).toContain(`${own}/${missing} is missing`);
    expect(output).not.toContain('using a self-signed certificate');
  });

  it('creates a self-signed certificate for the names and addresses of this host', async () => {
    const { code, output } = await entryPointAfter(
      `gateway-entrypoint nginx -t >/dev/null 2>&1 && cat ${RUN}/tls.crt && hostname -I`,
    );
    expect(code, output).toBe(0);
    const certificate = new X509Certificate(output);
    const own = output.trim().split('\n').at(-1)?.trim() ?? '';
    expect(certificate.checkHost('gateway')).toBe('gateway');
    for (const address of ['127.0.0.1', '::1', ...own.split(' ')])
      expect(certificate.checkIP(address)).toBe(address);
  });
});
