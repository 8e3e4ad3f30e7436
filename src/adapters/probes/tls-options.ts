import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { ProbeTls } from './spec.js';
import { serverNameFor } from './target.js';

/** Node's TLS options for a probe of this host. */
export function tlsOptions(
  { ca, cert, key, serverName, insecure = false }: ProbeTls,
  host: string,
): ConnectionOptions {
  return {
    servername: serverName ?? serverNameFor(host),
    rejectUnauthorized: !insecure,
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert, key } : {}),
    ...(serverName ? { checkServerIdentity: (_, peer) => checkServerIdentity(serverName, peer) } : {}),
  };
}
