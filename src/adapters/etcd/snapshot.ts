import { Range } from 'etcd3';
import { EtcdError } from '../../core/errors.js';
import type { KeyValue } from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import { type At, PageReader } from './pages.js';

/** Everything under some prefixes at one revision. */
export interface Snapshot extends At {
  readonly entries: ReadonlyMap<string, KeyValue>;
}

/** How often a read is started again whose revision was compacted in the meantime. */
const ATTEMPTS = 3;

/**
 * How long etcd may take, in ms, to answer the cheap request during a read: its answer comes on the same connection, after
 * the rest of a page that was given up.
 */
const ANSWER_PATIENCE = 10_000;

/**
 * Reads some prefixes at one revision, in pages, so that each answer is small however much there is. Rejects where etcd
 * does not answer.
 */
export async function readSnapshot(
  cluster: Cluster,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<Snapshot> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(cluster, prefixes, signal);
    } catch (error) {
      const begunTooEarly = error instanceof EtcdError && error.code === 'COMPACTED';
      if (!begunTooEarly || attempt === ATTEMPTS) throw error;
    }
  }
}

async function readOnce(
  cluster: Cluster,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<Snapshot> {
  const { at, filled } = await lookAt(cluster, prefixes, signal);
  const answers = () => lookAt(cluster, prefixes, signal, ANSWER_PATIENCE);
  const reader = new PageReader(cluster, at, answers, signal);
  const entries = new Map<string, KeyValue>();
  for (const prefix of filled) {
    for await (const page of reader.read(rangeOf(prefix))) {
      for (const entry of page) entries.set(entry.key, entry);
    }
  }
  return { entries, ...at };
}

/**
 * Asks for one key of each prefix: whether etcd answers, lets these prefixes be read, at which revision it is, and
 * which of them have any key. etcd is unavailable only when no member answers: one frozen member is not all of them.
 */
async function lookAt(
  cluster: Cluster,
  prefixes: readonly string[],
  signal: AbortSignal,
  patience?: number,
): Promise<{ at: At; filled: readonly string[] }> {
  const success = prefixes.map((prefix) => ({
    request_range: { ...rangeOf(prefix), limit: 1, keys_only: true },
  }));
  const { header, responses } = await cluster.callAny(
    (client, options) => client.kv.txn({ success }, options),
    { signal, ...(patience !== undefined && { patience }) },
  );
  return {
    at: { revision: Number(header.revision), clusterId: header.cluster_id },
    filled: prefixes.filter((_, index) => (responses[index]?.response_range.kvs.length ?? 0) > 0),
  };
}

/** The keys that begin with a prefix, as etcd's requests spell it. */
export function rangeOf(prefix: string): { key: Buffer; range_end: Buffer } {
  const { start, end } = Range.prefix(prefix);
  return { key: start, range_end: end };
}
