// Certificates, made with openssl: an authority, and what it issues.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.mjs';

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes `<directory>/<name>.crt` and `.key`: an authority called `title`, valid for so many days. */
export async function makeAuthority(directory, name, title, days) {
  await run('openssl', [
    ...['req', '-x509', ...KEY, '-days', days, '-subj', `/CN=${title}`],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'],
    ...['-keyout', join(directory, `${name}.key`), '-out', join(directory, `${name}.crt`)],
  ]);
}

/**
 * Issues `<directory>/<name>.crt` and `.key`, signed by an authority (its path without `.crt`), for a subject, with
 * extensions as openssl writes them, valid for so many days.
 */
export async function makeCertificate(authority, { directory, name, subject, extensions, days }) {
  const request = join(directory, `${name}.csr`);
  const extensionFile = join(directory, `${name}.ext`);
  await writeFile(extensionFile, [...extensions, 'basicConstraints=CA:FALSE'].join('\n'));
  const key = join(directory, `${name}.key`);
  await run('openssl', ['req', ...KEY, '-subj', `/CN=${subject}`, '-keyout', key, '-out', request]);
  await run('openssl', [
    ...['x509', '-req', '-in', request, '-days', days, '-extfile', extensionFile, '-CAcreateserial'],
    ...['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`],
    ...['-out', join(directory, `${name}.crt`)],
  ]);
  await Promise.all([rm(request), rm(extensionFile)]);
}
