import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type HostPort, splitHostPort } from '../../core/address.js';
import { tlsConnectOptions } from '../tls-connect-options.js';
import type { ProbeTls } from './spec.js';

/** Reads a probe's target, `host:port`. Throws a TypeError: configuration was checked before. */
export function parseTarget(text: string): HostPort {
  const target = splitHostPort(text);
  if (!target) throw new TypeError(`a probe's target must be host:port, got ${text}`);
  return target;
}

/** Starts a connection, with TLS where `tls` is given. The caller listens for its events. */
export function dial(target: string, tls: ProbeTls | undefined): Socket {
  const { host, port } = parseTarget(target);
  return tls ? connectTls({ ...tlsConnectOptions(tls, host), host, port }) : connect({ host, port });
}

/**
 * Opens a connection, with the TLS handshake where `tls` is given, and closes it when `use` has settled. Rejects when the
 * connection fails or is closed before, and with the signal's reason when that is aborted.
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
    // Sends what is still buffered, such as a DISCONNECT, and then closes.
    socket.destroySoon();
  }
}
