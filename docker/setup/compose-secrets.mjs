// What docker/compose.yaml has as secrets, in docker/secrets: an authority, the certificates of the gateway and of the firmware
// servers' upload listeners, and the token of publishers. Made once, for this machine alone.
import { randomBytes } from 'node:crypto';
import { access, chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeAuthority, makeCertificate } from './certificates.mjs';
import { doing, done, skipped } from './narrator.mjs';
import { root } from './run.mjs';

const STEP = 'secrets';
const DAYS = '3650';
const DIRECTORY = join(root, 'docker/secrets');

const CERTIFICATES = {
  gateway: 'DNS:localhost,DNS:gateway,IP:127.0.0.1',
  upload: 'DNS:localhost,DNS:firmware-1,DNS:firmware-2,DNS:firmware-3,IP:127.0.0.1',
};

const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Makes the secrets, unless they are there. */
export async function ensureComposeSecrets() {
  const finished = join(DIRECTORY, '.finished');
  if (await exists(finished)) return skipped(STEP, 'docker/secrets is complete');
  doing(STEP, 'making certificates and a token for docker/compose.yaml');
  await rm(DIRECTORY, { recursive: true, force: true });
  await mkdir(DIRECTORY, { recursive: true });
  // Compose mounts a file with the owner and the mode that it has here, and a container has other users: every user may
  // read the files, and only the owner may open their directory.
  await chmod(DIRECTORY, 0o700);
  await makeAuthority(DIRECTORY, 'ca', 'sidekick compose', DAYS);
  for (const [name, names] of Object.entries(CERTIFICATES)) {
    const extensions = [`subjectAltName=${names}`, 'extendedKeyUsage=serverAuth'];
    await makeCertificate(join(DIRECTORY, 'ca'), {
      directory: DIRECTORY,
      name,
      subject: name,
      extensions,
      days: DAYS,
    });
    await chmod(join(DIRECTORY, `${name}.key`), 0o644);
  }
  await writeFile(join(DIRECTORY, 'upload.token'), `${randomBytes(18).toString('base64url')}\n`);
  await writeFile(finished, '');
  done(STEP, 'docker/secrets has certificates and a token for docker/compose.yaml');
}
