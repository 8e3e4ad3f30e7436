import type { FileReader } from './engine/secret-files.js';

/** Whether requests to this URL leave this host unencrypted. */
function isPlainElsewhere(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isOwnHost(hostname);
}

/** Whether a host, by name or IP address, is certainly this host. */
export function isOwnHost(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/i.test(host);
}

/** Warns if a credential is sent over the network unencrypted. */
export function warnOfPlainText(key: string, url: string, what: string, files: FileReader): void {
  if (!isPlainElsewhere(url)) return;
  const { origin } = new URL(url);
  const reason = `${what} goes to ${origin} unencrypted, and anyone on the network path can read it: use https://`;
  files.warnings.push({ key, reason });
}

/** Reports an `nginx.api` that cannot be the root of the API, and warns of one that is unlikely to be. */
export function checkNginxUrl(key: string, url: string, files: FileReader): void {
  const { origin, pathname, search, hash } = new URL(url);
  const refuse = (what: string, right: string) =>
    files.problems.push({ key, reason: `must be the root of the API ${what}, such as ${right}, got ${url}` });
  const root = /^(.*?)\/[1-9]\d?(?:\/.*)?$/.exec(pathname)?.[1];
  if (search || hash) refuse('without a query or fragment', `${origin}${pathname}`);
  else if (root !== undefined) refuse('without its version', `${origin}${root}`);
  else if (/\.[a-z]{2,5}$/i.test(pathname)) refuse('and not a page', `${origin}/api`);
  else if (pathname === '/') {
    files.warnings.push({ key, reason: `${url} has no path, but the API is usually at ${origin}/api` });
  }
}

/** Reports a URL that cannot be an endpoint of etcd, and warns of one that is unlikely to be. */
export function checkEtcdUrl(key: string, url: string, files: FileReader): void {
  const { protocol, host, hostname, port, pathname, search, hash } = new URL(url);
  const right = `${protocol}//${host}`;
  if (pathname !== '/' || search || hash) {
    files.problems.push({ key, reason: `must be scheme, host and port alone, such as ${right}, got ${url}` });
  } else if (port === '') {
    const reason = `${url} has no port, and etcd serves clients on port 2379 by default: ${protocol}//${hostname}:2379`;
    files.warnings.push({ key, reason });
  } else if (port === '2380') {
    const reason = `${url} has the port that etcd members use among themselves; etcd usually serves clients on port 2379`;
    files.warnings.push({ key, reason });
  }
}
