import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ProbeTls } from './spec.js';
import { parseTarget } from './target.js';
import { tlsOptions } from './tls-options.js';

/** Begins a connection; whether it comes about is for the caller to hear. */
export function dial(target: string, tls: ProbeTls | undefined): Socket {
  const { host, port } = parseTarget(target);
  return tls ? connectTls({ ...tlsOptions(tls, host), host, port }) : connect({ host, port });
}

/**
 * Opens a connection, with the TLS handshake where there is TLS, hands it over, and closes it when that is done.
 * Whatever happens to the connection rejects the whole, and so does the signal.
 */
export async function withSocket(
  target: string,
  tls: ProbeTls | undefined,
  signal: AbortSignal,
  use: (socket: Socket) => Promise<void>,
): Promise<void> {
  signal.throwIfAborted();
  const socket = dial(target, tls);
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the connection was closed')));
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        use(socket).then(resolve, reject);
      });
    });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', abort);
    // Flushes what was written, such as a DISCONNECT, and then closes.
    socket.destroySoon();
  }
}
