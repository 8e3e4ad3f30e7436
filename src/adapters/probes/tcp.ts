import type { Probe } from '../../core/ports.js';
import { withSocket } from './socket.js';
import type { TcpProbeSpec } from './spec.js';

/** Healthy when a connection can be opened. */
export function createTcpProbe({ target, tls }: TcpProbeSpec): Probe {
  return (signal) => withSocket(target, tls, signal, () => Promise.resolve());
}
