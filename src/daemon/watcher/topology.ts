import { NginxError } from '../../core/errors.js';
import type { Topology } from '../../core/mapping.js';
import type { NginxApi } from '../../core/ports.js';
import { KINDS, type Kind } from '../../core/upstream.js';

interface TopologyReading {
  readonly topology: Topology;
  /** The kinds whose groups could not be read, and why; of these `topology` has what was known before. */
  readonly failed: ReadonlyMap<Kind, NginxError>;
}

/**
 * Reads which upstream groups an NGINX has. One kind that cannot be read does not hide the other; rejects where neither
 * can be.
 */
export async function readTopology(
  api: NginxApi,
  before: Topology | undefined,
  signal: AbortSignal,
): Promise<TopologyReading> {
  const failed = new Map<Kind, NginxError>();
  const read = async (kind: Kind): Promise<readonly string[]> => {
    try {
      return await api.upstreams(kind, signal);
    } catch (error) {
      if (!(error instanceof NginxError)) throw error;
      failed.set(kind, error);
      return before?.[kind] ?? [];
    }
  };
  const [http, stream] = await Promise.all([read('http'), read('stream')]);
  const [first] = failed.values();
  if (first && failed.size === KINDS.length) throw first;
  return { topology: { http, stream }, failed };
}
