import { DEFAULT_ADMIN_LISTEN } from './admin-listen.js';
import { listen } from './engine/core-formats.js';
import { file } from './engine/formats.js';
import { option, optional, type Values } from './engine/schema.js';
import type { FileReader } from './engine/secret-files.js';
import { isOwnHost } from './urls.js';

/** The shortest token, in characters. */
const MIN_TOKEN = 16;

export const adminOptions = {
  admin: {
    listen: option(
      listen,
      DEFAULT_ADMIN_LISTEN,
      'Address on which /healthz, /readyz, /metrics, /status, /events and the dashboard of a watcher are served. Without tokenFile, /status, /events and the dashboard are answered to this host alone.',
    ),
    tokenFile: optional(
      file,
      `File whose first line is a token of at least ${MIN_TOKEN} characters. Every request but those for /healthz and /readyz then has to show it: as a bearer token, or as the password of basic authentication. A name without a slash is a systemd credential.`,
    ),
  },
};

/** Who may read the admin endpoints. */
export interface AdminSettings {
  /** undefined where none is configured. */
  readonly token: string | undefined;
}

/** Reads the token. Warns where it would cross the network unencrypted: the admin endpoints have no TLS. */
export function adminSettings({ admin }: Values<typeof adminOptions>, files: FileReader): AdminSettings {
  const { listen: at, tokenFile } = admin;
  const token = files.token('admin.tokenFile', tokenFile);
  if (token !== undefined && token !== '' && token.length < MIN_TOKEN) {
    const reason = `must be a file whose first line is a token of at least ${MIN_TOKEN} characters: \`openssl rand -hex 32\` makes one`;
    files.problems.push({ key: 'admin.tokenFile', reason });
  }
  if (token !== undefined && at !== 'off' && !isOwnHost(at.host)) {
    const reason = `callers on other hosts send the token to ${at.host}:${at.port} unencrypted, and anyone on the network path can read it: listen on 127.0.0.1 and forward the port with ssh, or put a server with TLS before it`;
    files.warnings.push({ key: 'admin.tokenFile', reason });
  }
  return { token };
}
