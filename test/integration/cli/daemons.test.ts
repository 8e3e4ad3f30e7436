import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  API_TOKEN_FILE,
  type Backend,
  type Etcd,
  freePort,
  type Gateway,
  until,
} from '../../support/containers/index.js';
import { metricsOf, run, start } from './cli.js';
import { Lab } from './lab.js';

let lab: Lab;
let etcd: Etcd;
let gateway: Gateway;
let firmware: Backend;

beforeAll(async () => {
  lab = await Lab.start();
  ({ etcd, gateway, firmware } = lab.parts);
});
afterAll(() => lab?.remove());
beforeEach(() => lab.clear());

async function statusOf(url: string): Promise<number> {
  return (await fetch(url)).status;
}

/** A port at which nothing listens until `open` puts the way to `target` there. */
async function closedPort(target: string): Promise<{ url: string; open(): Promise<void> }> {
  const port = await freePort();
  const { hostname, port: targetPort, pathname } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const backend = connect(Number(targetPort), hostname);
    for (const socket of [client, backend]) sockets.add(socket.on('error', () => undefined));
    client.pipe(backend).pipe(client);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${port}${pathname === '/' ? '' : pathname}`,
    open: () => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve)),
  };
}

describe('the watcher', () => {
  it('starts before NGINX, etcd or any key: it waits, reports that, and continues by itself', async () => {
    const [etcdPort, apiPort, adminPort] = [
      await closedPort(etcd.url),
      await closedPort(gateway.api),
      await freePort(),
    ];
    const admin = `http://127.0.0.1:${adminPort}`;
    const cli = start([
      ...['watch', '--etcd-endpoints', etcdPort.url, '--nginx-api', apiPort.url],
      ...['--nginx-token-file', API_TOKEN_FILE],
      ...['--admin-listen', `127.0.0.1:${adminPort}`],
    ]);
    await Promise.all([cli.event('etcd-unavailable'), cli.event('nginx-unavailable')]);
    expect([await statusOf(`${admin}/healthz`), await statusOf(`${admin}/readyz`)]).toEqual([200, 503]);
    const waiting = await run(['status', '--admin', admin]);
    expect(waiting.out).toMatch(/not ready; etcd unavailable/);
    expect(waiting.code).toBe(1);

    await apiPort.open();
    await cli.event('nginx-connected');
    expect(await statusOf(`${admin}/readyz`)).toBe(503);

    await etcdPort.open();
    await cli.event('daemon-ready');
    expect(await statusOf(`${admin}/readyz`)).toBe(200);
    expect(await metricsOf(admin)).toMatch(/^sidekick_etcd_errors_total\{call="lease"\} [1-9]/m);

    await etcd.put(`/services/firmware/${firmware.address}`, 'lazy-unicorn');
    await cli.event('server-added');
    expect(await gateway.servers('http', 'firmware')).toMatchObject([{ server: firmware.address }]);
  });

  it('reports its status on all its endpoints', async () => {
    await etcd.put(`/services/firmware/${firmware.address}`, '{"weight":3}');
    await etcd.put('/services/firmware/nowhere', '');
    const { cli, admin } = await lab.watch();
    await cli.event('server-added');
    await cli.event('daemon-ready');
    expect(await statusOf(`${admin}/healthz`)).toBe(200);
    const metrics = await metricsOf(admin);
    expect(metrics).toMatch(/^sidekick_build_info\{command="watch",version="[^"]+",revision="[^"]+"\} 1$/m);
    expect(metrics).toMatch(/^sidekick_registrations\{service="firmware"\} 1$/m);
    expect(metrics).toMatch(/^sidekick_registrations_rejected_total 1$/m);
    expect(metrics).toMatch(/^sidekick_upstream_actions_total\{.*action="add",result="ok"\} 1$/m);
    const { code, out } = await run(['status', '--admin', admin]);
    expect(out).toMatch(/^sidekick watch w1: ready; etcd connected/);
    expect(out).toMatch(new RegExp(`http/firmware +in sync +${firmware.address} +up`));
    expect(out).toContain('/services/firmware/nowhere: address must be host:port');
    expect(code).toBe(0);
    const json = await run(['status', '--admin', admin, '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ command: 'watch', id: 'w1', ready: true });
  });

  it('reloads its file on SIGHUP; a wrong file changes nothing', async () => {
    const path = join(lab.directory, 'watch.yaml');
    const file = (text: string) => writeFile(path, `nginx: { api: "${gateway.api}" }\n${text}`);
    await file('drainTimeout: { http: 10s }');
    const cli = start(['watch', '--config', path, '--etcd-endpoints', etcd.url, '--admin-listen', 'off']);
    await cli.event('daemon-ready');
    await file('drainTimeout: { http: 20s }');
    cli.signal('SIGHUP');
    await cli.event('config-reloaded');
    await file('drainTimeout: { http: soon }');
    cli.signal('SIGHUP');
    expect(await cli.event('config-reload-failed')).toMatchObject({
      reason: expect.stringContaining('drainTimeout.http: must be a duration') as string,
    });
    cli.signal('SIGTERM');
    expect((await cli.ended()).code).toBe(0);
  });

  it('prints in a dry run what a pass then does; after that pass nothing is left to do', async () => {
    const pass = ['watch', '--etcd-endpoints', etcd.url, '--nginx-api', gateway.api].concat([
      '--nginx-token-file',
      API_TOKEN_FILE,
    ]);
    await etcd.put(`/services/firmware/${firmware.address}`, '{"weight":3}');
    const dry = await run([...pass, '--dry-run']);
    expect(dry.out).toContain(`http/firmware: add ${firmware.address} weight=3\n1 to do`);
    expect(await gateway.servers('http', 'firmware')).toEqual([]);
    const once = await run([...pass, '--once']);
    expect(once.out).toContain('1 done; NGINX is in sync with etcd');
    expect(await gateway.servers('http', 'firmware')).toMatchObject([{ weight: 3 }]);
    const again = await run([...pass, '--once']);
    expect(again.out).toBe('0 done; NGINX is in sync with etcd');
    expect([dry.code, once.code, again.code]).toEqual([0, 0, 0]);
  });

  it('exits with 1 after a pass over an unavailable NGINX', async () => {
    const api = `http://127.0.0.1:${await freePort()}/api`;
    const { code, out } = await run(['watch', '--once', '--etcd-endpoints', etcd.url, '--nginx-api', api]);
    expect(out).toMatch(/ECONNREFUSED.*NGINX is not in sync with etcd/s);
    expect(code).toBe(1);
  });
});

describe('the registrar', () => {
  it('is ready when it is registered; SIGTERM makes it drain and exit with 0', async () => {
    const watching = await lab.watch();
    await watching.cli.event('daemon-ready');
    const { cli, admin } = await lab.register('--weight', '4', '--meta', 'zone=a');
    await cli.event('daemon-ready');
    expect(await statusOf(`${admin}/readyz`)).toBe(200);
    expect(
      JSON.parse((await etcd.list('/services/')).get(`/services/firmware/${firmware.address}`) ?? ''),
    ).toEqual({
      weight: 4,
      meta: { zone: 'a' },
    });
    expect((await run(['status', '--admin', admin])).out).toMatch(
      new RegExp(`firmware +${firmware.address} +healthy +registered`),
    );
    await watching.cli.event('server-added');
    cli.signal('SIGTERM');
    const { code } = await cli.ended();
    expect(code).toBe(0);
    expect(cli.events('daemon-stopping')[0]?.ending).toBe('draining, then deregistering');
    expect(await gateway.servers('http', 'firmware')).toEqual([]);
    expect(await etcd.list('/services/')).toEqual(new Map());
  });

  it('exits at a second signal without waiting for the drain, and reloads nothing meanwhile', async () => {
    // A watcher that never answers.
    const lease = await etcd.grant(600);
    await etcd.put('/sidekick/watchers/silent', JSON.stringify({ services: ['firmware'] }), lease);
    const { cli, admin } = await lab.register('--drain-timeout', '10m');
    await cli.event('daemon-ready');
    cli.signal('SIGINT');
    await until('it waits', async () =>
      (await (await fetch(`${admin}/status`)).text()).includes('"waitingFor": [\n    "silent"'),
    );
    cli.signal('SIGHUP');
    await cli.event('config-reload-ignored');
    cli.signal('SIGINT');
    const { code } = await cli.ended();
    expect(code).toBe(0);
    expect(cli.events('daemon-killed')).toHaveLength(1);
    expect(await etcd.list('/services/')).toEqual(new Map());
  });

  it('registers several services from one file; a reload adds and removes services', async () => {
    const path = join(lab.directory, 'host.yaml');
    const services = (...ports: number[]) =>
      writeFile(
        path,
        `services:\n${ports.map((port) => `  - { service: s${port}, address: "10.0.0.1:${port}", probe: { type: exec, command: ["true"] } }\n`).join('')}`,
      );
    await services(1, 2);
    const cli = start(['register', '--config', path, '--etcd-endpoints', etcd.url, '--admin-listen', 'off']);
    await cli.event('daemon-ready');
    expect([...(await etcd.list('/services/')).keys()]).toEqual([
      '/services/s1/10.0.0.1:1',
      '/services/s2/10.0.0.1:2',
    ]);
    await services(2, 3);
    cli.signal('SIGHUP');
    await until(
      'the other services are registered',
      async () =>
        [...(await etcd.list('/services/')).keys()].join() ===
        '/services/s2/10.0.0.1:2,/services/s3/10.0.0.1:3',
    );
  });

  it('is no longer ready while its probe fails', async () => {
    const [file, path] = [join(lab.directory, 'healthy'), join(lab.directory, 'probed.yaml')];
    await writeFile(file, '');
    const probe = `{ type: exec, command: ["test", "-e", "${file}"], interval: 250ms, fall: 1, rise: 1 }`;
    await writeFile(path, `services:\n  - { service: probed, address: "10.0.0.1:1", probe: ${probe} }\n`);
    const admin = `127.0.0.1:${await freePort()}`;
    const cli = start(['register', '--config', path, '--etcd-endpoints', etcd.url, '--admin-listen', admin]);
    await cli.event('daemon-ready');
    await rm(file);
    await cli.event('daemon-unready');
    await until('it has left', async () => (await etcd.list('/services/')).size === 0);
    expect(await metricsOf(`http://${admin}`)).toMatch(
      /^sidekick_instance_healthy\{service="probed",address="10\.0\.0\.1:1"\} 0$/m,
    );
  });

  it('logs that only this host can reach the address which it has found', async () => {
    const cli = start([
      ...['register', '--service', 'firmware', '--address', 'auto:8080', '--etcd-endpoints', etcd.url],
      ...['--admin-listen', 'off'],
    ]);
    expect(await cli.event('address-local')).toMatchObject({ address: '127.0.0.1:8080' });
  });

  it('logs once that it cannot notify systemd, and works all the same', async () => {
    const broken = await mkdtemp(join(lab.directory, 'broken-'));
    await writeFile(join(broken, 'systemd-notify'), '#!/bin/sh\necho no such socket >&2\nexit 1\n', {
      mode: 0o755,
    });
    const cli = start(
      [
        ...['register', '--service', 'firmware', '--address', firmware.address, '--etcd-endpoints', etcd.url],
        ...['--admin-listen', 'off'],
      ],
      { NOTIFY_SOCKET: '/run/test', PATH: `${broken}:${process.env.PATH}` },
    );
    await cli.event('daemon-ready');
    cli.signal('SIGTERM');
    expect((await cli.ended()).code).toBe(0);
    expect(cli.events('notification-failed')).toMatchObject([{ reason: 'no such socket' }]);
  });

  it('notifies systemd: ready once registered, its status, the watchdog, stopping', async () => {
    const heard = join(lab.directory, 'heard');
    await writeFile(join(lab.directory, 'systemd-notify'), `#!/bin/sh\nprintf '%s\\n' "$@" >> ${heard}\n`, {
      mode: 0o755,
    });
    const port = await freePort();
    const cli = start(
      [
        ...['register', '--service', 'firmware', '--address', firmware.address, '--etcd-endpoints', etcd.url],
        ...['--admin-listen', `127.0.0.1:${port}`],
      ],
      { NOTIFY_SOCKET: '/run/test', WATCHDOG_USEC: '200000', PATH: `${lab.directory}:${process.env.PATH}` },
    );
    await until('the watchdog is told', async () => (await readFile(heard, 'utf8')).includes('WATCHDOG=1'));
    await cli.event('daemon-ready');
    cli.signal('SIGTERM');
    expect((await cli.ended()).code).toBe(0);
    const told = (await readFile(heard, 'utf8')).trim().split('\n');
    expect(told.filter((line) => line === 'READY=1')).toHaveLength(1);
    expect(told).toContain('STATUS=1 of 1 service registered');
    expect(told.indexOf('STOPPING=1')).toBeGreaterThan(told.indexOf('READY=1'));
  });
});
