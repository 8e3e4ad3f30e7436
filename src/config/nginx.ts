import { isUnixUrl } from '../adapters/nginx/location.js';
import {
  DEFAULT_NGINX_CONNECTIONS,
  DEFAULT_NGINX_TIMEOUT,
  type NginxApiOptions,
  type NginxAuth,
} from '../adapters/nginx/options.js';
import { type Networks, parseNetwork } from '../core/address.js';
import { apiUrl } from './engine/core-formats.js';
import { formatDuration } from './engine/duration.js';
import { duration, file, integer, string } from './engine/formats.js';
import type { Entry } from './engine/read-values.js';
import { option, optional, required, type Values } from './engine/schema.js';
import type { FileReader } from './engine/secret-files.js';
import { authSettings, tlsOptions, tlsSettings } from './tls.js';
import { checkNginxUrl, warnOfPlainText } from './urls.js';

/** The options of one NGINX that `sidekick watch` keeps in sync. */
export const nginxOptions = {
  api: required(
    apiUrl,
    'http://127.0.0.1:8080/api',
    "Root of the NGINX Plus API, without its version, such as http://127.0.0.1:8080/api. For the gateway's Unix socket: unix:/run/sidekick-gateway/api/api.sock:/api.",
  ),
  name: optional(string, 'Name of this NGINX in logs and metrics; default the host and port of its API.'),
  username: optional(string, 'User for HTTP basic authentication. Needs the password file.'),
  passwordFile: optional(
    file,
    'File whose first line is the password. A name without a slash is a systemd credential.',
  ),
  tokenFile: optional(
    file,
    'File whose first line is a bearer token, used instead of user and password. A name without a slash is a systemd credential.',
  ),
  ...tlsOptions,
  timeout: option(
    duration('10ms'),
    formatDuration(DEFAULT_NGINX_TIMEOUT),
    'How long one call to the API may take.',
  ),
  connections: option(
    integer(1, 1000),
    DEFAULT_NGINX_CONNECTIONS,
    'Maximum number of connections to the API.',
  ),
};

/** The IP address in the URL of an NGINX. A name is not resolved. */
export function literalHost(url: string): Networks {
  if (isUnixUrl(url)) return [];
  const network = parseNetwork(new URL(url).hostname.replace(/^\[|\]$/g, ''));
  return network.ok ? [network.value] : [];
}

/** Reads the files that the options of an NGINX name. Problems go to `files`. */
export function nginxSettings(
  { label, values }: Entry<Values<typeof nginxOptions>>,
  files: FileReader,
): NginxApiOptions {
  const { api, timeout, connections } = values;
  // A Unix socket has no host: it belongs to this one.
  const { host, protocol } = isUnixUrl(api) ? { host: 'localhost', protocol: 'unix:' } : new URL(api);
  const tls = tlsSettings(values, label, files);
  const auth = nginxAuth(values, label, files);
  if (tls && protocol !== 'https:') {
    const reason = `must be an https:// URL if ${label}ca, cert or serverName is given, got ${api}`;
    files.problems.push({ key: `${label}api`, reason });
  }
  if (!isUnixUrl(api)) {
    checkNginxUrl(`${label}api`, api, files);
    if (auth && 'token' in auth) warnOfPlainText(`${label}tokenFile`, api, 'the token', files);
    else if (auth) warnOfPlainText(`${label}passwordFile`, api, 'the password', files);
  }
  return {
    name: values.name ?? host,
    url: api,
    timeout,
    connections,
    ...(tls && { tls }),
    ...(auth && { auth }),
  };
}

function nginxAuth(
  values: Values<typeof nginxOptions>,
  label: string,
  files: FileReader,
): NginxAuth | undefined {
  const login = authSettings(values, label, files);
  const token = files.token(`${label}tokenFile`, values.tokenFile);
  if (login && token !== undefined) {
    files.problems.push({
      key: `${label}tokenFile`,
      reason: 'must be left out if username and passwordFile are given: a call can carry only one of them',
    });
  }
  return login ?? (token === undefined ? undefined : { token });
}
