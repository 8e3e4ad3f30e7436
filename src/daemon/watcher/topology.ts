import type { Topology } from '../../core/mapping.js';
import type { NginxApi } from '../../core/ports.js';

/** Reads which upstream groups an NGINX has. */
export async function readTopology(api: NginxApi, signal: AbortSignal): Promise<Topology> {
  const [http, stream] = await Promise.all([api.upstreams('http', signal), api.upstreams('stream', signal)]);
  return { http, stream };
}
