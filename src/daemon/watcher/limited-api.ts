import type { NginxApi } from '../../core/ports.js';

/**
 * The same API with at most `limit` calls under way. A call's deadline begins when it is let through, so that a burst
 * of a thousand does not time out in the queue. An aborted signal keeps a queued call from beginning, and lets one
 * under way end by itself: what was asked of NGINX is not left in doubt. `identity` is never made to wait: it is how
 * trouble is noticed.
 */
export function limitCalls(api: NginxApi, limit: number): NginxApi {
  const gate = createGate(limit);
  return {
    name: api.name,
    identity: (signal) => api.identity(signal),
    upstreams: (kind, signal) => gate(signal, (own) => api.upstreams(kind, own)),
    upstream: (ref, signal) => gate(signal, (own) => api.upstream(ref, own)),
    add: (ref, address, parameters, signal) => gate(signal, (own) => api.add(ref, address, parameters, own)),
    update: (ref, id, changes, signal) => gate(signal, (own) => api.update(ref, id, changes, own)),
    drain: (ref, id, signal) => gate(signal, (own) => api.drain(ref, id, own)),
    remove: (ref, id, signal) => gate(signal, (own) => api.remove(ref, id, own)),
  };
}

type Gate = <T>(signal: AbortSignal, call: (own: AbortSignal) => Promise<T>) => Promise<T>;

function createGate(limit: number): Gate {
  const queue: (() => void)[] = [];
  let free = limit;
  return async (signal, call) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      signal.throwIfAborted();
      return await call(new AbortController().signal);
    } finally {
      const next = queue.shift();
      if (next) next();
      else free++;
    }
  };
}
