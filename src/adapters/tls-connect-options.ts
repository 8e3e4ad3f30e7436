import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { Tls } from '../core/tls.js';

type TlsConnectOptions = Pick<
  ConnectionOptions,
  'servername' | 'rejectUnauthorized' | 'ca' | 'cert' | 'key' | 'checkServerIdentity'
>;

/**
 * Node's options for a TLS connection to a host. SNI carries a name and never an IP address (RFC 6066, section 3); the
 * certificate has to be for `serverName`, which may be an address, or for the host where that is not given.
 * @param tls With `insecure`, any certificate is accepted.
 */
export function tlsConnectOptions(
  { ca, cert, key, serverName, insecure = false }: Tls & { readonly insecure?: boolean },
  host: string,
): TlsConnectOptions {
  const name = serverName ?? host;
  return {
    servername: isIP(name.replace(/^\[|\]$/g, '')) ? '' : name,
    rejectUnauthorized: !insecure,
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(serverName === undefined
      ? {}
      : { checkServerIdentity: (_, peer) => checkServerIdentity(serverName, peer) }),
  };
}
