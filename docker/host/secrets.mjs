// The cluster's certificates and passwords. Made with openssl, valid for a month, gone with build/.
import { randomBytes } from 'node:crypto';
import { access, chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { doing, done, skipped } from '../setup/narrator.mjs';
import { run } from '../setup/run.mjs';
import { ACCESS_HOST, USERS } from './hosts.mjs';

const DAYS = '30';
const STEP = 'secrets';

const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function makeAuthority(directory) {
  await run('openssl', [
    'req',
    '-x509',
    ...KEY,
    '-days',
    DAYS,
    '-subj',
    '/CN=sidekick cluster',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign',
    '-keyout',
    join(directory, 'ca.key'),
    '-out',
    join(directory, 'ca.crt'),
  ]);
}

// One certificate a host: etcd's members serve with it and speak to each other, and everything else is a client with it.
async function makeCertificate(authority, host, directory) {
  const request = join(directory, 'host.csr');
  const extensions = join(directory, 'host.ext');
  await writeFile(
    extensions,
    [
      `subjectAltName=DNS:${host.name},DNS:localhost,IP:${host.ip},IP:127.0.0.1`,
      'extendedKeyUsage=serverAuth,clientAuth',
      'basicConstraints=CA:FALSE',
    ].join('\n'),
  );
  await run('openssl', [
    'req',
    ...KEY,
    '-subj',
    `/CN=${host.name}`,
    '-keyout',
    join(directory, 'host.key'),
    '-out',
    request,
  ]);
  await run('openssl', [
    'x509',
    '-req',
    '-in',
    request,
    '-days',
    DAYS,
    '-extfile',
    extensions,
    '-CAcreateserial',
    '-CA',
    join(authority, 'ca.crt'),
    '-CAkey',
    join(authority, 'ca.key'),
    '-out',
    join(directory, 'host.crt'),
  ]);
  await Promise.all([rm(request), rm(extensions)]);
  await cp(join(authority, 'ca.crt'), join(directory, 'ca.crt'));
}

async function makePasswords(directory) {
  for (const user of USERS) {
    await writeFile(join(directory, user), `${randomBytes(18).toString('base64url')}\n`);
  }
}

async function giveCredentials(authority, host, directory) {
  const store = join(directory, 'credstore');
  await mkdir(store, { recursive: true });
  for (const [unit, user] of Object.entries(host.credentials)) {
    await cp(join(authority, 'passwords', user), join(store, `${unit}.etcd-password`));
    await cp(join(directory, 'tls/host.crt'), join(store, `${unit}.etcd-cert`));
    await cp(join(directory, 'tls/host.key'), join(store, `${unit}.etcd-key`));
  }
  if (host.name !== ACCESS_HOST) return;
  await cp(join(authority, 'passwords'), join(directory, 'passwords'), { recursive: true });
}

/** Makes the secrets of all hosts in `<cluster>/<host>`, unless they are there. */
export async function ensureSecrets(cluster, hosts) {
  const finished = join(cluster, '.secrets');
  if (await exists(finished)) return skipped(STEP, 'certificates and passwords are here');
  doing(STEP, 'making certificates and passwords');
  const authority = join(cluster, 'authority');
  await rm(authority, { recursive: true, force: true });
  await mkdir(join(authority, 'passwords'), { recursive: true });
  await chmod(authority, 0o700);
  await makeAuthority(authority);
  await makePasswords(join(authority, 'passwords'));
  for (const host of hosts) {
    const directory = join(cluster, host.name);
    await rm(directory, { recursive: true, force: true });
    await mkdir(join(directory, 'tls'), { recursive: true });
    await chmod(directory, 0o700);
    await makeCertificate(authority, host, join(directory, 'tls'));
    await giveCredentials(authority, host, directory);
  }
  await writeFile(finished, '');
  done(STEP, 'certificates and passwords are here');
}
