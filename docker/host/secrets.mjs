// The cluster's certificates and passwords. Made with openssl, valid for a month, gone with build/.
import { randomBytes } from 'node:crypto';
import { access, chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, makeCertificate } from '../setup/certificates.mjs';
import { doing, done, skipped } from '../setup/narrator.mjs';
import { ACCESS_HOST, isMember, USERS } from './hosts.mjs';

const DAYS = '30';
const STEP = 'secrets';

const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * A host's certificates, each for one purpose: `host` for what it serves, `client` for its sidekicks and watcher, and on a
 * member of etcd `peer`, of an authority of its own. A client's certificate does not let its holder act as a member,
 * which no role of etcd would limit. No subject is the name of a user of etcd, so that none stands for a password.
 */
async function makeCertificates(authority, host, directory) {
  const issue = (by, certificate) => makeCertificate(by, { ...certificate, days: DAYS });
  const names = `subjectAltName=DNS:${host.name},DNS:localhost,IP:${host.ip},IP:127.0.0.1`;
  const both = 'extendedKeyUsage=serverAuth,clientAuth';
  const ca = join(authority, 'ca');
  // etcd's own HTTP gateway connects to its server, and shows it the server's certificate.
  await issue(ca, { directory, name: 'host', subject: host.name, extensions: [names, both] });
  const clientOnly = ['extendedKeyUsage=clientAuth'];
  const subject = `client of ${host.name}`;
  await issue(ca, { directory, name: 'client', subject, extensions: clientOnly });
  await cp(`${ca}.crt`, join(directory, 'ca.crt'));
  if (!isMember(host)) return;
  const peer = { directory, name: 'peer', subject: `member ${host.name}`, extensions: [names, both] };
  await issue(join(authority, 'peer-ca'), peer);
  await cp(join(authority, 'peer-ca.crt'), join(directory, 'peer-ca.crt'));
}

async function makeSecret(path) {
  await writeFile(path, `${randomBytes(18).toString('base64url')}\n`);
}

async function giveCredentials(authority, host, directory) {
  const store = join(directory, 'credstore');
  await mkdir(store, { recursive: true });
  for (const [unit, user] of Object.entries(host.credentials)) {
    await cp(join(authority, 'passwords', user), join(store, `${unit}.etcd-password`));
    await cp(join(directory, 'tls/client.crt'), join(store, `${unit}.etcd-cert`));
    await cp(join(directory, 'tls/client.key'), join(store, `${unit}.etcd-key`));
  }
  if (host.firmwareServer) {
    await cp(join(directory, 'tls/host.crt'), join(store, `${host.firmwareServer}.tls.crt`));
    await cp(join(directory, 'tls/host.key'), join(store, `${host.firmwareServer}.tls.key`));
    await cp(join(authority, 'upload-token'), join(store, `${host.firmwareServer}.token`));
  }
  if (host.name !== ACCESS_HOST) return;
  await cp(join(authority, 'passwords'), join(directory, 'passwords'), { recursive: true });
}

/** Makes the secrets of all hosts in `<cluster>/<host>`, unless they are there. */
export async function ensureSecrets(cluster, hosts) {
  const finished = join(cluster, '.secrets-3');
  if (await exists(finished)) return skipped(STEP, 'certificates and passwords are here');
  doing(STEP, 'making certificates and passwords');
  const authority = join(cluster, 'authority');
  await rm(authority, { recursive: true, force: true });
  await mkdir(join(authority, 'passwords'), { recursive: true });
  await chmod(authority, 0o700);
  await makeAuthority(authority, 'ca', 'sidekick cluster', DAYS);
  await makeAuthority(authority, 'peer-ca', 'sidekick cluster, members of etcd', DAYS);
  for (const user of USERS) await makeSecret(join(authority, 'passwords', user));
  await makeSecret(join(authority, 'upload-token'));
  for (const host of hosts) {
    const directory = join(cluster, host.name);
    await rm(directory, { recursive: true, force: true });
    await mkdir(join(directory, 'tls'), { recursive: true });
    await chmod(directory, 0o700);
    await makeCertificates(authority, host, join(directory, 'tls'));
    await giveCredentials(authority, host, directory);
  }
  await writeFile(finished, '');
  done(STEP, 'certificates and passwords are here');
}
