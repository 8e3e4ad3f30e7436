import { createRequire } from 'node:module';
import type * as NodeTls from 'node:tls';
import { defined } from '../core/defined.js';
import { messageOf } from '../core/errors.js';
import type { Tls } from '../core/tls.js';
import { file, string } from './engine/formats.js';
import { optional, type Values } from './engine/schema.js';
import type { FileReader } from './engine/secret-files.js';

const require = createRequire(import.meta.url);

/** TLS to a server, from PEM files. */
export const tlsOptions = {
  ca: optional(
    file,
    'File with the certificate authorities (PEM) that may have signed the server certificate.',
  ),
  cert: optional(file, 'File with the client certificate and its chain (PEM).'),
  key: optional(file, 'File with the key of the client certificate (PEM).'),
  serverName: optional(string, 'Name to expect in the server certificate; default the host.'),
};

/** Reads the files of a TLS configuration; undefined if none of its options is set. */
export function tlsSettings(
  values: Values<typeof tlsOptions>,
  label: string,
  files: FileReader,
): Tls | undefined {
  if ((values.cert === undefined) !== (values.key === undefined)) {
    const missing = values.cert === undefined ? 'cert' : 'key';
    files.problems.push({ key: `${label}${missing}`, reason: 'is required: cert and key go together' });
  }
  const tls = defined({
    ca: files.read(`${label}ca`, values.ca),
    cert: files.read(`${label}cert`, values.cert),
    key: files.read(`${label}key`, values.key),
    serverName: values.serverName,
  });
  if (Object.keys(tls).length === 0) return undefined;
  const flaw = flawOf(tls);
  if (flaw !== undefined) files.problems.push({ key: `${label}${tls.cert ? 'cert' : 'ca'}`, reason: flaw });
  return tls;
}

/** What is wrong with the content of the files, such as a key of another certificate while files are being replaced. */
function flawOf({ ca, cert, key }: Tls): string | undefined {
  // Loaded only here: most command lines, and every help text, have no TLS in them.
  const { createSecureContext } = require('node:tls') as typeof NodeTls;
  try {
    createSecureContext(defined({ ca, cert, key }));
    return undefined;
  } catch (error) {
    return `must name PEM files that belong together, but ca, cert and key give: ${messageOf(error)}`;
  }
}

/** A user with the password from its file; undefined if neither is set. */
export function authSettings(
  values: { readonly username: string | undefined; readonly passwordFile: string | undefined },
  label: string,
  files: FileReader,
): { username: string; password: string } | undefined {
  const { username, passwordFile } = values;
  if (username === undefined && passwordFile === undefined) return undefined;
  if (username === undefined || passwordFile === undefined) {
    const missing = username === undefined ? 'username' : 'passwordFile';
    files.problems.push({
      key: `${label}${missing}`,
      reason: 'is required: username and passwordFile go together',
    });
    return undefined;
  }
  return { username, password: files.password(`${label}passwordFile`, passwordFile) ?? '' };
}
