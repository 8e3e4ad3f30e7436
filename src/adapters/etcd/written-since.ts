import type { KeyValue } from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import { toEntry } from './key-values.js';
import type { At } from './pages.js';
import { rangeOf } from './snapshot.js';

/** What was written to some prefixes since an earlier revision, and how many keys they have now. */
export interface WrittenSince extends At {
  readonly written: readonly KeyValue[];
  /** Of each prefix, all together. */
  readonly keys: number;
}

/** The most keys of the answer. */
const MOST = 256;

/** How long the answer may take, in ms. */
const PATIENCE = 2000;

/**
 * Asks etcd what was written since a revision and is still there. The answer is short, but etcd goes through every key with
 * its value for it. Undefined where more was written than one answer should have; rejects where etcd does not answer.
 * Source: etcd's `applierV3backend.Range`: `min_mod_revision` leaves keys out of the answer, and not out of its `count`.
 */
export async function readWrittenSince(
  cluster: Cluster,
  prefixes: readonly string[],
  { revision }: At,
  signal: AbortSignal,
): Promise<WrittenSince | undefined> {
  const success = prefixes.map((prefix) => ({
    request_range: { ...rangeOf(prefix), min_mod_revision: revision + 1, limit: MOST },
  }));
  const { header, responses } = await cluster.callAny(
    (client, options) => client.kv.txn({ success }, options),
    { signal, patience: PATIENCE },
  );
  const ranges = responses.map(({ response_range }) => response_range);
  if (ranges.some(({ more }) => more)) return undefined;
  return {
    revision: Number(header.revision),
    clusterId: header.cluster_id,
    written: ranges.flatMap(({ kvs }) => kvs.map(toEntry)),
    keys: ranges.reduce((sum, { count }) => sum + Number(count), 0),
  };
}
