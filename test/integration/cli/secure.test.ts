import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enableAccessControl, registrarPermissions } from '../../support/access-control.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { FakeNginx } from '../../support/fake-nginx.js';
import { NginxApiServer } from '../../support/nginx-api-server.js';
import { SecureEtcd } from '../../support/registrar/secure-etcd.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { run, start } from './cli.js';

const ADDRESS = '10.0.0.11:8080';

let network: TestNetwork;
let etcd: SecureEtcd;

/** How a unit tells sidekick to reach this etcd: the authority by its path, the rest as credentials of systemd. */
let credentials: Readonly<Record<string, string>>;
let access: readonly string[];

beforeAll(async () => {
  network = await startNetwork();
  etcd = await SecureEtcd.start(network);
  const { directory } = etcd.authority;
  etcd.authority.issue('host-1');
  writeFileSync(join(directory, 'etcd-password'), 'one\n');
  credentials = { CREDENTIALS_DIRECTORY: directory };
  access = [
    ...['--etcd-endpoints', etcd.endpoint, '--etcd-ca', join(directory, 'ca.crt')],
    ...['--etcd-cert', 'host-1.crt', '--etcd-key', 'host-1.key'],
    ...['--etcd-username', 'sidekick-firmware', '--etcd-password-file', 'etcd-password'],
  ];
  const permissions = registrarPermissions('firmware');
  await enableAccessControl(etcd, [{ name: 'sidekick-firmware', password: 'one', permissions }]);
});
afterAll(async () => {
  await network?.remove();
  etcd?.authority[Symbol.dispose]();
});

it('the registrar registers over TLS with a client certificate, and a password from a credential', async () => {
  const probe = ['--probe-type', 'exec', '--probe-command', 'true', '--admin-listen', 'off'];
  const cli = start(
    ['register', '--service', 'firmware', '--address', ADDRESS, ...access, ...probe],
    credentials,
  );
  await cli.event('daemon-ready');
  expect(await etcd.ctl('get', '--prefix', '--keys-only', '/services/')).toContain(
    `/services/firmware/${ADDRESS}`,
  );
  cli.signal('SIGTERM');
  expect((await cli.ended()).code).toBe(0);
  expect(await etcd.ctl('get', '--prefix', '--keys-only', '/services/')).toBe('');
});

it('the registrar reports what its role does not allow', async () => {
  const { code, err } = await run(['drain', 'firmware', ADDRESS, '--force', ...access], credentials);
  expect(err).toMatch(/^sidekick: .*permission denied/i);
  expect(code).toBe(1);
});

it('the registrar reports a wrong password without showing it', async () => {
  const password = join(etcd.authority.directory, 'wrong-password');
  writeFileSync(password, 'hunter2\n');
  const { code, err } = await run(
    ['unhold', 'firmware', ...access, '--etcd-password-file', password],
    credentials,
  );
  expect(err).toMatch(/^sidekick: .*(auth|password)/i);
  expect(err).not.toContain('hunter2');
  expect(code).toBe(1);
});

it('the registrar reports an authority that did not sign the certificate of etcd', async () => {
  const { code, err } = await run([
    ...['unhold', 'firmware', '--etcd-endpoints', etcd.endpoint],
    ...['--etcd-ca', '/etc/ssl/certs/ca-certificates.crt'],
  ]);
  expect(err).toMatch(/^sidekick: .*certificate/i);
  expect(code).toBe(1);
});

const QUIET = [
  '--probe-type',
  'exec',
  '--probe-command',
  'true',
  '--admin-listen',
  'off',
  '--lease-ttl',
  '3s',
];

/** The arguments of a registrar that goes through a proxy with a certificate and a password of its own. */
function through(proxy: TcpProxy, name: string): string[] {
  const { directory } = etcd.authority;
  const files = { cert: `${name}.crt`, key: `${name}.key`, passwordFile: `${name}.password` };
  return [
    ...['--etcd-endpoints', `https://${proxy.address}`, '--etcd-ca', join(directory, 'ca.crt')],
    ...['--etcd-cert', files.cert, '--etcd-key', files.key],
    ...['--etcd-username', 'sidekick-firmware', '--etcd-password-file', files.passwordFile],
  ];
}

const registered = async (address: string) =>
  (await etcd.ctl('get', '--prefix', '--keys-only', '/services/')).includes(address);

it('the registrar uses a certificate that replaces an expiring one; without it, it cannot reconnect', async () => {
  const { directory } = etcd.authority;
  await using proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(etcd.endpoint).port) });
  const daemon = (name: string, address: string) => {
    etcd.authority.issue(name);
    writeFileSync(join(directory, `${name}.password`), 'one\n');
    const args = [
      'register',
      '--service',
      'firmware',
      '--address',
      address,
      ...through(proxy, name),
      ...QUIET,
    ];
    return start(args, credentials);
  };
  const daemons = {
    renewed: daemon('renewed', '10.0.0.21:80'),
    forgotten: daemon('forgotten', '10.0.0.22:80'),
  };
  await Promise.all(Object.values(daemons).map((cli) => cli.event('daemon-ready')));

  const seconds = 20;
  for (const name of Object.keys(daemons)) etcd.authority.issue(name, undefined, seconds);
  const expired = Date.now() + (seconds + 2) * 1000;
  await Promise.all(Object.values(daemons).map((cli) => cli.event('files-reloaded')));
  etcd.authority.issue('renewed');
  await until('it is read again', () => daemons.renewed.events('files-reloaded').length > 1);
  await until('the certificates in between have expired', () => Date.now() > expired);
  proxy.cut();

  await daemons.forgotten.event('lease-renewal-failed');
  await until('the other one has lost its lease', async () => !(await registered('10.0.0.22:80')));
  await until('the one with a new certificate is registered', () => registered('10.0.0.21:80'));
});

it('the registrar uses a password that is changed in etcd and in its file', async () => {
  const { directory } = etcd.authority;
  etcd.authority.issue('rotating');
  const file = join(directory, 'rotating.password');
  writeFileSync(file, 'one\n');
  await using proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(etcd.endpoint).port) });
  const cli = start(
    [
      'register',
      '--service',
      'firmware',
      '--address',
      '10.0.0.23:80',
      ...through(proxy, 'rotating'),
      ...QUIET,
    ],
    credentials,
  );
  await cli.event('daemon-ready');

  // The user again, with another password: the token of before is good no more.
  await etcd.ctl('user', 'delete', 'sidekick-firmware');
  await etcd.ctl('user', 'add', 'sidekick-firmware:three');
  await etcd.ctl('user', 'grant-role', 'sidekick-firmware', 'sidekick-firmware');
  expect(await cli.event('lease-refused')).toMatchObject({
    reason: expect.stringMatching(/passwordFile, which is read again/) as string,
  });
  writeFileSync(file, 'three\n');

  await cli.event('files-reloaded');
  await cli.event('lease-renewed');
  await until('it is registered again', () => registered('10.0.0.23:80'));
  expect(cli.err.lines.join()).not.toMatch(/three/);
});

it('a key that does not match the certificate changes nothing until the pair matches', async () => {
  const { directory } = etcd.authority;
  writeFileSync(join(directory, 'halved.password'), 'three\n');
  etcd.authority.issue('halved');
  etcd.authority.issue('other');
  await using proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(etcd.endpoint).port) });
  const cli = start(
    ['register', '--service', 'firmware', '--address', '10.0.0.24:80', ...through(proxy, 'halved'), ...QUIET],
    credentials,
  );
  await cli.event('daemon-ready');
  copyFileSync(join(directory, 'other.crt'), join(directory, 'halved.crt'));
  expect(await cli.event('files-rejected')).toMatchObject({
    reason: expect.stringMatching(/etcd\.cert: must name PEM files that belong together/) as string,
  });
  copyFileSync(join(directory, 'other.key'), join(directory, 'halved.key'));
  await cli.event('files-reloaded');
  expect(await registered('10.0.0.24:80')).toBe(true);
});

it('a watcher uses a changed password for NGINX, and reports at each reload what that does not change', async () => {
  const { directory } = etcd.authority;
  const [file, config] = [join(directory, 'nginx.password'), join(directory, 'watch.yaml')];
  const seen = new Set<string | undefined>();
  const nginx = new FakeNginx({ http: ['firmware'] });
  await using server = await NginxApiServer.start(nginx, {
    intercept: (request) => {
      seen.add(request.headers.authorization);
      return false;
    },
  });
  const basic = (password: string) => `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
  const written = (id: string) =>
    `id: ${id}\nnginx:\n  - { api: "${server.url}", username: admin, passwordFile: "${file}" }\n`;
  writeFileSync(file, 'first\n');
  writeFileSync(config, written('lb'));
  const cli = start([
    'watch',
    '--config',
    config,
    '--etcd-endpoints',
    'http://127.0.0.1:1',
    '--admin-listen',
    'off',
  ]);
  await until('NGINX is asked', () => seen.has(basic('first')));

  writeFileSync(file, 'second\n');
  await until('NGINX is asked with the other password', () => seen.has(basic('second')));

  writeFileSync(config, written('other'));
  for (const round of [1, 2]) {
    cli.signal('SIGHUP');
    await until(`reload ${round} is done`, () => cli.events('config-reloaded').length === round);
    expect(cli.events('restart-required').map(({ keys }) => keys)).toEqual(
      Array.from({ length: round }, () => ['id']),
    );
  }
});
