import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Who may read an endpoint. `health` says nothing but yes or no. `metrics` are counted names. `private` is the rest: it has
 * addresses, and who changed what and why.
 */
export type Secrecy = 'health' | 'metrics' | 'private';

/** A request, as far as it decides on access. */
interface AdminRequest {
  readonly headers: IncomingHttpHeaders;
  /** The IP address of the client. */
  readonly remote: string | undefined;
}

/** Why a request is refused. */
interface Refusal {
  readonly status: 401 | 403;
  readonly reason: string;
  /** It had a credential, and the wrong one. */
  readonly wrongCredential?: boolean;
}

/** What a browser is told on a refusal for want of a credential: it asks its user for one, and sends it as the password. */
export const CHALLENGE = 'Basic realm="sidekick", charset="UTF-8"';

/**
 * Decides on a request; undefined where it may be answered.
 *
 * | | with a token configured | without |
 * |---|---|---|
 * | `health` | anyone | anyone |
 * | `metrics` | who shows the token | anyone |
 * | `private` | who shows the token | connections from this host, and not through a proxy |
 *
 * Pages of another origin are refused everything but `health`. Without a token they could come by the name of a host of
 * theirs that they let point here (DNS rebinding): so the Host that a connection from this host asks for has to be an IP
 * address, localhost or this host's own name.
 * @param token What is configured.
 * @param ownName For tests; default the name of this host.
 */
export function findRefusal(
  { headers, remote }: AdminRequest,
  secrecy: Secrecy,
  token: string | undefined,
  ownName = hostname(),
): Refusal | undefined {
  if (secrecy === 'health') return undefined;
  if (isCrossOrigin(headers)) return { status: 403, reason: 'pages of another origin may not read this' };
  if (token !== undefined) return credentialRefusal(headers.authorization, token);
  const local = isLoopback(remote);
  if (secrecy === 'private' && (!local || isProxied(headers))) {
    const reason =
      'without a credential this is answered to this host alone: configure admin.tokenFile, or forward the port with ssh';
    return { status: 403, reason };
  }
  if (local && !isOwnHost(headers.host, ownName)) {
    const reason = 'ask by an IP address, by localhost or by the name of this host';
    return { status: 403, reason };
  }
  return undefined;
}

function credentialRefusal(authorization: string | undefined, token: string): Refusal | undefined {
  if (authorization === undefined) return { status: 401, reason: 'a credential is needed' };
  const shown = credentialOf(authorization);
  if (shown !== undefined && isSame(shown, token)) return undefined;
  return { status: 401, reason: 'the credential is wrong', wrongCredential: true };
}

/** The longest header that is looked at, in characters. */
const MAX_AUTHORIZATION = 8192;

/** A bearer token, or the password of basic authentication, whatever its user is called; undefined where it is neither. */
function credentialOf(authorization: string): string | undefined {
  if (authorization.length > MAX_AUTHORIZATION) return undefined;
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(authorization.trim()) ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const [, password] = /^[^:]*:(.*)$/s.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
  return password;
}

/** Digests are compared, in a time that depends on neither of them. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/**
 * Whether a page of another origin asks, as browsers say. A link to a page may be followed: what it leads to, the page with
 * the link cannot read. Source: Fetch Metadata Request Headers, Fetch (`Origin`).
 */
function isCrossOrigin(headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers;
  if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host) return true;
  const site = headers['sec-fetch-site'];
  return (site === 'cross-site' || site === 'same-site') && headers['sec-fetch-mode'] !== 'navigate';
}

function isLoopback(remote: string | undefined): boolean {
  const address = (remote ?? '').replace(/^::ffff:/, '');
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function isProxied(headers: IncomingHttpHeaders): boolean {
  return ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'].some((name) => headers[name] !== undefined);
}

function isOwnHost(host: string | undefined, ownName: string): boolean {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '');
  if (['localhost', ownName.toLowerCase()].includes(name)) return true;
  return isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}
