import { Range } from 'etcd3';
import type { Entry } from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import { toEntry } from './entries.js';

/** Everything under some prefixes at one revision. */
export interface Snapshot {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly revision: number;
  /** Who answered: a revision means nothing in another cluster. */
  readonly clusterId: string;
}

/** Reads some prefixes in one linearizable transaction. */
export async function readSnapshot(
  cluster: Cluster,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<Snapshot> {
  const success = prefixes.map((prefix) => ({ request_range: rangeOf(prefix) }));
  const { header, responses } = await cluster.call((client, options) => client.kv.txn({ success }, options), {
    signal,
  });
  const entries = responses.flatMap(({ response_range }) => response_range.kvs.map(toEntry));
  return {
    entries: new Map(entries.map((entry) => [entry.key, entry])),
    revision: Number(header.revision),
    clusterId: header.cluster_id,
  };
}

/** The keys that begin with a prefix, as etcd's requests spell it. */
export function rangeOf(prefix: string): { key: Buffer; range_end: Buffer } {
  const { start, end } = Range.prefix(prefix);
  return { key: start, range_end: end };
}
