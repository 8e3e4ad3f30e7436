/** Every bad state of the fleet, as `sidekick status` and `sidekick events` say it: each comes about, is told, and is over. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiFront } from '../../support/api-front.js';
import {
  API_TOKEN_FILE,
  type Etcd,
  freePort,
  type Gateway,
  startParts,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { type Cli, run, start } from './cli.js';

/** Nothing is at these addresses, and nobody asks whether there is. */
const [A, B, C] = ['10.9.0.1:80', '10.9.0.2:80', '10.9.0.3:80'] as const;

describe('the status and the events of a fleet', () => {
  let network: TestNetwork;
  let etcd: Etcd;
  let gateway: Gateway;
  /** Between the watcher and the API of the gateway. */
  let front: ApiFront;
  let admin: string;
  let watcher: Cli;

  beforeAll(async () => {
    ({ network, etcd, gateway } = await startParts());
  });
  afterAll(() => network?.remove());

  beforeEach(async () => {
    await etcd.delete('/services/');
    await etcd.delete('/sidekick/');
    front = await ApiFront.start(gateway.api);
    admin = `http://127.0.0.1:${await freePort()}`;
    watcher = start([
      ...['watch', '--id', 'w1', '--etcd-endpoints', etcd.url, '--nginx-api', front.url],
      ...[
        '--nginx-token-file',
        API_TOKEN_FILE,
        '--gateway-probes',
        'off',
        '--admin-listen',
        new URL(admin).host,
      ],
      ...['--nginx-timeout', '1s', '--guard-grace', '1s', '--drain-timeout-http', '1s'],
    ]);
    await watcher.event('daemon-ready');
  });

  afterEach(() => front[Symbol.asyncDispose]());

  const register = (service: string, address: string, value = '') =>
    etcd.put(`/services/${service}/${address}`, value);

  /** Resolves once the whole fleet's status has a problem like this, with what to do below it. */
  async function told(problem: RegExp): Promise<void> {
    await until(`the status says ${String(problem)}`, async () => {
      const { out, code } = await run(['status', '--etcd-endpoints', etcd.url]);
      if (!out.split('\n').some((line) => line.trim().startsWith('!') && problem.test(line))) return false;
      expect(code).toBe(1);
      return true;
    });
  }

  /** The events of the watcher that have this name. */
  async function events(name: string, ...service: readonly string[]): Promise<readonly string[]> {
    const { out, code } = await run(['events', ...service, '--admin', admin]);
    expect(code).toBe(0);
    return out.split('\n').filter((line) => line.includes(name));
  }

  it('names a registration that is rejected, and why', async () => {
    await etcd.put('/services/firmware/nowhere', '');
    await watcher.event('registration-rejected');
    await told(/the registration \/services\/firmware\/nowhere is rejected: /);
    expect((await events('registration-rejected')).join()).toContain('/services/firmware/nowhere');
  });

  it('names a service that feeds no upstream', async () => {
    await register('firmwear', A);
    await watcher.event('service-unmapped');
    await told(/service firmwear feeds no upstream of NGINX \S+ \(watcher w1\): /);
    expect(await events('service-unmapped', 'firmwear')).not.toHaveLength(0);
  });

  it('names a group that nobody registers for: nothing has happened there, and no event says anything', async () => {
    await told(/nobody registers for the group http\/backend of NGINX/);
    expect(await events('backend')).toHaveLength(0);
  });

  it('names the servers that the guard holds', async () => {
    for (const address of [A, B, C]) await register('firmware', address);
    await until('three servers', async () => (await gateway.servers('http', 'firmware')).length === 3);
    await etcd.delete('/services/');
    await watcher.event('servers-held');
    await told(/the guard holds 3 servers of http\/firmware of NGINX/);
    expect((await events('servers-held', 'firmware')).join()).toContain(A);
    expect((await run(['unhold', 'firmware', '--etcd-endpoints', etcd.url])).code).toBe(0);
    await until('no server', async () => (await gateway.servers('http', 'firmware')).length === 0);
  });

  it('names a drain that is stuck, and what NGINX answers', async () => {
    front.treat = (method) => (method === 'DELETE' ? { status: 500 } : undefined);
    for (const address of [A, B]) await register('firmware', address);
    await until('two servers', async () => (await gateway.servers('http', 'firmware')).length === 2);
    await register('firmware', A, '{"drain":true}');
    await watcher.event('server-failed');
    await told(
      new RegExp(
        `the drain of ${A} in http/firmware of NGINX \\S+ \\(watcher w1\\) is stuck: its time is over`,
      ),
    );
    expect((await events('server-draining', 'firmware')).join()).toContain(A);
    expect((await events('server-failed', 'firmware')).join()).toContain('500');
  });

  it('names an NGINX that does not answer, and when it answers again', async () => {
    await gateway.container.pause();
    try {
      await watcher.event('nginx-unavailable');
      await told(/NGINX \S+ \(watcher w1\) does not answer: /);
      expect(await events('nginx-unavailable')).toHaveLength(1);
    } finally {
      await gateway.container.unpause();
    }
    await until('the events say that it answers', async () => (await events('nginx-connected')).length === 2);
  });

  it('says that etcd does not answer: the fleet is unknown then, and the watcher still tells what it did', async () => {
    await etcd.container.pause();
    try {
      await watcher.event('etcd-unavailable');
      const { out, err, code } = await run([
        'status',
        '--etcd-endpoints',
        etcd.url,
        '--etcd-request-timeout',
        '1s',
      ]);
      expect(code).toBe(1);
      expect(out).toBe('');
      expect(err).toContain(etcd.url);
      expect(await events('etcd-unavailable')).toHaveLength(1);
      expect((await run(['status', '--admin', admin])).out).toMatch(/etcd.*unavailable/i);
    } finally {
      await etcd.container.unpause();
    }
    await until('the events say that it answers', async () => (await events('etcd-connected')).length === 2);
  });
});
