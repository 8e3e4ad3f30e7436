import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { SecureEtcd } from '../../support/registering/secure-etcd.js';
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
  for (const words of [
    ['role', 'add', 'firmware'],
    ['role', 'grant-permission', 'firmware', '--prefix=true', 'readwrite', '/services/firmware/'],
    ['role', 'grant-permission', 'firmware', '--prefix=true', 'read', '/sidekick/'],
    ['user', 'add', 'sidekick-firmware:one'],
    ['user', 'grant-role', 'sidekick-firmware', 'firmware'],
    ['user', 'add', 'root:two'],
    ['user', 'grant-role', 'root', 'root'],
    ['auth', 'enable'],
  ]) {
    await etcd.ctl(...words);
  }
});
afterAll(async () => {
  await network?.remove();
  etcd?.authority[Symbol.dispose]();
});

test('registers over TLS with a client certificate, and a password from a credential', async () => {
  const probe = ['--probe-type', 'exec', '--probe-command', 'true', '--admin-listen', 'off'];
  const cli = start(
    ['register', '--service', 'firmware', '--address', ADDRESS, ...access, ...probe],
    credentials,
  );
  await cli.event('ready');
  expect(await etcd.ctl('get', '--prefix', '--keys-only', '/services/')).toContain(
    `/services/firmware/${ADDRESS}`,
  );
  cli.signal('SIGTERM');
  expect((await cli.ended()).code).toBe(0);
  expect(await etcd.ctl('get', '--prefix', '--keys-only', '/services/')).toBe('');
});

test('what the role does not allow is refused, and said', async () => {
  const { code, err } = await run(['drain', 'firmware', ADDRESS, ...access], credentials);
  expect(err).toMatch(/^sidekick: .*permission denied/i);
  expect(code).toBe(1);
});

test('a wrong password is said, and does not show', async () => {
  const password = join(etcd.authority.directory, 'wrong-password');
  writeFileSync(password, 'hunter2\n');
  const { code, err } = await run(
    ['release', 'firmware', ...access, '--etcd-password-file', password],
    credentials,
  );
  expect(err).toMatch(/^sidekick: .*(auth|password)/i);
  expect(err).not.toContain('hunter2');
  expect(code).toBe(1);
});

test('an authority that did not sign the certificate is said', async () => {
  const { code, err } = await run([
    ...['release', 'firmware', '--etcd-endpoints', etcd.endpoint],
    ...['--etcd-ca', '/etc/ssl/certs/ca-certificates.crt'],
  ]);
  expect(err).toMatch(/^sidekick: .*certificate/i);
  expect(code).toBe(1);
});
