/** Where an API answers. */
interface ApiLocation {
  /** What undici connects to; for a Unix socket its host is `localhost`, a name that the API accepts as its own. */
  readonly origin: string;
  /** The path of the API's root, without a slash at its end. */
  readonly path: string;
  /** The Unix socket; undefined for TCP. */
  readonly socketPath: string | undefined;
}

const UNIX = /^unix:(?<socket>\/[^:]+)(?::(?<path>\/.*))?$/;

/** Whether a text has the form `unix:/path/of/socket` or `unix:/path/of/socket:/api`, as NGINX writes such addresses. */
export function isUnixUrl(text: string): boolean {
  return UNIX.test(text);
}

/** Reads the URL of an API. Without a path behind the socket's, the path is `/api`. Throws where it is none. */
export function locateApi(url: string): ApiLocation {
  const unix = UNIX.exec(url)?.groups;
  if (unix)
    return { origin: 'http://localhost', path: trimmed(unix.path ?? '/api'), socketPath: unix.socket };
  const { origin, pathname } = new URL(url);
  return { origin, path: trimmed(pathname), socketPath: undefined };
}

/** The URL of another path beside the API, such as `/firmware/outcomes` for an API at `/api`. */
export function besideApi(url: string, path: string): string {
  const { origin, path: base, socketPath } = locateApi(url);
  const sibling = `${base.replace(/\/[^/]*$/, '')}${path}`;
  return socketPath === undefined ? `${origin}${sibling}` : `unix:${socketPath}:${sibling}`;
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, '');
}
