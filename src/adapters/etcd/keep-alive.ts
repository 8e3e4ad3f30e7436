import type { CallOptions } from '@grpc/grpc-js';
import type { Etcd3 } from 'etcd3';
import { LeaseGoneError } from '../../core/errors.js';
import type { LeaseId } from '../../core/ports.js';

/**
 * Renews a lease once: one request and its answer on a stream of its own. etcd3's Lease keeps a stream open and finds
 * out late, and by itself, what went wrong with it; this way each renewal has its outcome.
 */
export async function sendKeepAlive(client: Etcd3, lease: LeaseId, options: CallOptions): Promise<void> {
  const stream = await client.leaseClient.leaseKeepAlive(options);
  const ttl = await new Promise<number>((resolve, reject) => {
    stream.on('data', (answer) => {
      resolve(Number(answer.TTL));
      stream.end();
    });
    stream.on('error', reject);
    stream.on('end', () => reject(new Error('etcd ended the keep-alive stream without an answer')));
    // Not ended before the answer: etcd3 replaces the connection only for a stream that fails while it can be written.
    stream.write({ ID: lease });
  });
  // etcd answers for a lease that it does not have with a TTL of 0 (`LeaseKeepAlive` in rpc.proto).
  if (ttl <= 0) throw new LeaseGoneError(lease);
}
