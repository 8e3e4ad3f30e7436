import type { FileReader } from '../secret.js';

/** Whether what is sent there leaves this host unencrypted. */
export function isPlainElsewhere(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isOwnHost(hostname);
}

/** Whether a host, by name or IP address, is this host for sure. */
export function isOwnHost(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/i.test(host);
}

/** Warns where a credential is sent through the network in plain text. */
export function warnOfPlainText(key: string, url: string, what: string, files: FileReader): void {
  if (!isPlainElsewhere(url)) return;
  const { origin } = new URL(url);
  const reason = `${what} goes to ${origin} unencrypted, and who is on the way can read it: use https://`;
  files.warnings.push({ key, reason });
}

/** Reports an `nginx.api` that cannot be the root of the API, and warns of one that hardly is. */
export function checkNginxUrl(key: string, url: string, files: FileReader): void {
  const { origin, pathname, search, hash } = new URL(url);
  const refuse = (what: string, right: string) =>
    files.problems.push({ key, reason: `must be the root of the API ${what}, such as ${right}, got ${url}` });
  const root = /^(.*?)\/[1-9]\d?(?:\/.*)?$/.exec(pathname)?.[1];
  if (search || hash) refuse('without a query or fragment', `${origin}${pathname}`);
  else if (root !== undefined) refuse('without its version', `${origin}${root}`);
  else if (/\.[a-z]{2,5}$/i.test(pathname)) refuse('and not a page', `${origin}/api`);
  else if (pathname === '/') {
    files.warnings.push({ key, reason: `${url} has no path, and the API is usually at ${origin}/api` });
  }
}

/** Reports an endpoint of etcd that cannot be one, and warns of one that hardly is. */
export function checkEtcdUrl(key: string, url: string, files: FileReader): void {
  const { protocol, host, hostname, port, pathname, search, hash } = new URL(url);
  const right = `${protocol}//${host}`;
  if (pathname !== '/' || search || hash) {
    files.problems.push({ key, reason: `must be scheme, host and port alone, such as ${right}, got ${url}` });
  } else if (port === '') {
    const reason = `${url} has no port, and clients reach etcd at 2379 unless told otherwise: ${protocol}//${hostname}:2379`;
    files.warnings.push({ key, reason });
  } else if (port === '2380') {
    const reason = `${url} has the port at which the members of etcd talk to each other; clients usually reach it at 2379`;
    files.warnings.push({ key, reason });
  }
}
