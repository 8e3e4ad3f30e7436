/**
 * Who may call the API over TCP. Three kinds of callers must not change anything: a page of another origin in an
 * administrator's browser, a request that arrived at a public port and was proxied to the API, and anyone without a
 * credential. The first two are refused whatever credential they send; for the third, see {@link isAuthenticated}.
 */
import type { ApiError } from './errors.js';
import * as apiErrors from './errors.js';

/** The origin of a request. An absent header field is `''`. */
export interface Caller {
  method: string;
  /** `http` or `https`. */
  scheme: string;
  /** The requested host, in lower case and without a port; `''` if the request has no `Host`. */
  host: string;
  /** The field `Host` as it was sent. */
  authority: string;
  origin: string;
  contentType: string;
  /** Whether the request was proxied: it has a field such as `X-Forwarded-For`. */
  proxied: boolean;
  /** The field `Authorization`. */
  authorization: string;
  /** Whether the client has a verified certificate. */
  certificate: boolean;
  /** Whether the connection comes from this host. */
  loopback: boolean;
}

/** What the configuration allows. */
export interface Policy {
  /** Host names by which the API may be called, besides `localhost` and IP addresses. */
  hosts: string[];
  /** Whether reading needs no credential. Otherwise only callers on this host may read without one. */
  openReads: boolean;
}

const READS = ['GET', 'HEAD', 'OPTIONS'];
const LOOPBACK_NAMES = ['', 'localhost'];

/** Maximum length of a host name, by RFC 1035, with room for brackets. */
const MAX_HOST_LENGTH = 255;

function isRead(method: string): boolean {
  return READS.indexOf(method) >= 0;
}

/**
 * A page can make its own host name resolve to any address (DNS rebinding), and then has the same origin as the API in the
 * browser. This is impossible with an IP address as the host, so all IP addresses are allowed.
 */
function isAllowedHost(host: string, policy: Policy): boolean {
  if (host.length > MAX_HOST_LENGTH) return false;
  if (LOOPBACK_NAMES.indexOf(host) >= 0 || policy.hosts.indexOf(host) >= 0) return true;
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || /^\[[0-9a-f:.]+\]$/.test(host);
}

function isSameOrigin(caller: Caller): boolean {
  return caller.origin.toLowerCase() === `${caller.scheme}://${caller.authority}`.toLowerCase();
}

/**
 * Whether a page of another origin could have sent this content type without a preflight request: browsers do so for text
 * and forms. If the browser states the API's own origin, the page is trusted.
 */
function isCrossOriginType(caller: Caller): boolean {
  if (caller.contentType === '' || caller.origin !== '') return false;
  return !/^application\/json\s*(;|$)/i.test(caller.contentType.substring(0, 128));
}

/** Why a request is refused whatever its credential; `undefined` if it is not. */
export function findRefusal(caller: Caller, policy: Policy): ApiError | undefined {
  if (!isAllowedHost(caller.host, policy))
    return apiErrors.apiError(
      403,
      'HostNotAllowed',
      'the API may not be called by this host name: list it in GATEWAY_API_HOSTS',
    );
  if (caller.origin !== '' && !isSameOrigin(caller))
    return apiErrors.apiError(403, 'OriginNotAllowed', 'pages of another origin may not call the API');
  if (isRead(caller.method)) return undefined;
  if (caller.proxied)
    return apiErrors.apiError(
      403,
      'ProxyNotAllowed',
      'a change must come from the client itself, not through a proxy',
    );
  if (isCrossOriginType(caller))
    return apiErrors.apiError(
      415,
      'UnsupportedMediaType',
      'the content type of a change must be application/json',
    );
  return undefined;
}

/** Compares two digests in constant time. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Maximum length of a token, in characters. */
const MAX_TOKEN_LENGTH = 4096;

/**
 * Whether a request has one of the bearer tokens. `tokens` returns them, one per line. Digests are compared, and always all of
 * them, so that the time does not depend on the tokens.
 */
function hasToken(
  authorization: string,
  tokens: () => string,
  digest: (text: string) => Uint8Array,
): boolean {
  if (authorization.length > MAX_TOKEN_LENGTH || !/^bearer [^ ]/i.test(authorization)) return false;
  const sent = digest(authorization.substring('bearer '.length));
  const lines = tokens().split('\n');
  let found = false;
  for (let i = 0; i < lines.length; i++) {
    const token = (lines[i] as string).trim();
    if (token !== '' && equal(digest(token), sent)) found = true;
  }
  return found;
}

/**
 * Whether a request needs no user name and password: it is a read that needs no credential, or it has a client certificate or
 * a bearer token. All others are left to NGINX's auth_basic. A change always needs a credential, even from this host, because
 * pages in a browser on this host, and requests that this NGINX proxies, come from a loopback address too.
 */
export function isAuthenticated(
  caller: Caller,
  policy: Policy,
  tokens: () => string,
  digest: (text: string) => Uint8Array,
): boolean {
  if (caller.certificate) return true;
  if (isRead(caller.method) && !caller.proxied && (caller.loopback || policy.openReads)) return true;
  return hasToken(caller.authorization, tokens, digest);
}
