/**
 * Who may call the API over TCP. Three kinds of callers must not write: a page of another origin in an administrator's
 * browser, a request that came in at a public port and was proxied to this one, and anyone without a credential. The
 * first two are refused whatever they show; for the third, see {@link needsNoPassword}.
 */
import type { ApiFailure } from '../model/errors.js';
import * as errors from '../model/errors.js';

/** A request, as far as it says where it comes from. Header fields are `''` where they are absent. */
export interface Caller {
  method: string;
  /** `http` or `https`. */
  scheme: string;
  /** The host that was asked for, in lower case and without its port; `''` where HTTP/1.0 names none. */
  host: string;
  /** The field `Host` as it was sent. */
  authority: string;
  origin: string;
  contentType: string;
  /** Whether some proxy has passed it on: it has a field such as `X-Forwarded-For`. */
  proxied: boolean;
  /** The field `Authorization`. */
  authorization: string;
  /** Whether it came with a client certificate that was verified. */
  certificate: boolean;
  /** Whether the connection comes from this host. */
  loopback: boolean;
}

/** What the configuration allows. */
export interface Policy {
  /** Host names under which the API may be called, besides the loopback names and addresses. */
  hosts: string[];
  /** Whether everyone who is admitted may read without a credential, and not callers from this host alone. */
  openReads: boolean;
}

const READS = ['GET', 'HEAD', 'OPTIONS'];
const LOOPBACK_NAMES = ['', 'localhost'];

/** Longest host name, by RFC 1035, with room for brackets. */
const LONGEST_HOST = 255;

export function isRead(method: string): boolean {
  return READS.indexOf(method) >= 0;
}

/**
 * A page can have its own name resolve to any address (DNS rebinding), and is then of the same origin as the API for its
 * browser. It cannot do that with an address in place of a name, so each address will do.
 */
function knownHost(host: string, policy: Policy): boolean {
  if (host.length > LONGEST_HOST) return false;
  if (LOOPBACK_NAMES.indexOf(host) >= 0 || policy.hosts.indexOf(host) >= 0) return true;
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || /^\[[0-9a-f:.]+\]$/.test(host);
}

function sameOrigin(caller: Caller): boolean {
  return caller.origin.toLowerCase() === `${caller.scheme}://${caller.authority}`.toLowerCase();
}

/**
 * Whether a page of another origin could have sent this content type: browsers send text and forms anywhere, and ask
 * first for anything else. A browser that states the API's own origin vouches for the page.
 */
function foreignType(caller: Caller): boolean {
  if (caller.contentType === '' || caller.origin !== '') return false;
  return !/^application\/json\s*(;|$)/i.test(caller.contentType.substring(0, 128));
}

/** The reason to refuse a request whatever credential it shows; `undefined` where there is none. */
export function findRefusal(caller: Caller, policy: Policy): ApiFailure | undefined {
  if (!knownHost(caller.host, policy))
    return errors.failure(
      403,
      'HostNotAllowed',
      'the API may not be called by this host name: list it in GATEWAY_API_HOSTS',
    );
  if (caller.origin !== '' && !sameOrigin(caller))
    return errors.failure(403, 'OriginNotAllowed', 'pages of another origin may not call the API');
  if (isRead(caller.method)) return undefined;
  if (caller.proxied)
    return errors.failure(
      403,
      'ProxyNotAllowed',
      'changes must come from the client itself, not by way of a proxy',
    );
  if (foreignType(caller))
    return errors.failure(
      415,
      'UnsupportedMediaType',
      'the content type of a change must be application/json',
    );
  return undefined;
}

/** Compares two digests in a time that does not tell where they differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}

/** Longest token that is looked at. */
const LONGEST_TOKEN = 4096;

/**
 * Whether a request bears one of the tokens (a token a line). Digests are compared, and all of them, so that the time it
 * takes says nothing about a token.
 */
function bears(authorization: string, tokens: () => string, digest: (text: string) => Uint8Array): boolean {
  if (authorization.length > LONGEST_TOKEN || !/^bearer [^ ]/i.test(authorization)) return false;
  const shown = digest(authorization.substring('bearer '.length));
  const lines = tokens().split('\n');
  let found = false;
  for (let i = 0; i < lines.length; i++) {
    const token = (lines[i] as string).trim();
    if (token !== '' && equal(digest(token), shown)) found = true;
  }
  return found;
}

/**
 * Whether a request may go on without a user's name and password, which NGINX itself checks for all others: a read that
 * is free, a client certificate, or a bearer token. A write needs a credential from everywhere: a page in a browser of
 * this host, and a request that this NGINX proxies, come from loopback as well.
 */
export function needsNoPassword(
  caller: Caller,
  policy: Policy,
  tokens: () => string,
  digest: (text: string) => Uint8Array,
): boolean {
  if (caller.certificate) return true;
  if (isRead(caller.method) && !caller.proxied && (caller.loopback || policy.openReads)) return true;
  return bears(caller.authorization, tokens, digest);
}
