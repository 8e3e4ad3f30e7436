import type { RateLimit } from '../../async/rate-limit.js';
import type { Address } from '../../core/address.js';
import { messageOf } from '../../core/errors.js';
import type { WantedFile } from '../../firmware/holdings.js';
import type { BlobPeers, BlobStore } from '../../firmware/ports.js';

interface FetchPorts {
  readonly store: BlobStore;
  readonly peers: BlobPeers;
  readonly rate: RateLimit;
}

/** How an attempt to fetch a file ended. */
type FetchOutcome =
  | { readonly outcome: 'fetched'; readonly from: Address }
  /** Every server was asked, and none has it. */
  | { readonly outcome: 'nowhere' }
  /** A server that may have the file could not be asked or broke off, or the disk failed; the next attempt resumes. */
  | { readonly outcome: 'failed'; readonly reason: string };

/** Fetches a file from the first of these servers that has it, and puts it in place. Rejects when aborted. */
export async function fetchFile(
  file: WantedFile,
  servers: readonly Address[],
  ports: FetchPorts,
  signal: AbortSignal,
): Promise<FetchOutcome> {
  let reason: string | undefined;
  for (const server of servers) {
    signal.throwIfAborted();
    try {
      if (await fetchFrom(server, file, ports, signal)) return { outcome: 'fetched', from: server };
    } catch (error) {
      signal.throwIfAborted();
      reason = `${server}: ${messageOf(error)}`;
    }
  }
  return reason === undefined ? { outcome: 'nowhere' } : { outcome: 'failed', reason };
}

/** Resolves to false where the server does not have the file; rejects where its content is wrong or breaks off. */
async function fetchFrom(
  server: Address,
  file: WantedFile,
  { store, peers, rate }: FetchPorts,
  signal: AbortSignal,
): Promise<boolean> {
  const { sha256, size, mtime } = file;
  const had = await store.partial(sha256);
  if (had < size) {
    const found = await peers.fetch(server, sha256, had, signal);
    if (found === undefined) return false;
    let received = found.offset;
    const paced = async function* () {
      for await (const chunk of found.content) {
        received += chunk.length;
        if (received > size) throw new Error(`it sends more than the ${size} bytes of the file`);
        await rate.pass(chunk.length, signal);
        yield chunk;
      }
    };
    await store.append(sha256, found.offset, paced());
    if (received < size) throw new Error(`it sent ${received} of ${size} bytes`);
  }
  if (await store.complete(sha256, mtime, signal)) return true;
  throw new Error('the content does not match its SHA-256');
}
