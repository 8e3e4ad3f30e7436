import { NginxError } from '../../core/errors.js';
import type { Meter, NginxApi } from '../../core/ports.js';

/** The same API, of which every call is counted by its result. */
export function meteredNginx(api: NginxApi, meter: Meter): NginxApi {
  async function counted<T>(call: string, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    const count = (result: string) =>
      meter.count('sidekick_nginx_calls_total', { nginx: api.name, call, result });
    try {
      const answer = await run();
      count('ok');
      return answer;
    } catch (error) {
      if (!signal.aborted) count(resultOf(error));
      throw error;
    }
  }

  return {
    name: api.name,
    identity: (signal) => counted('identity', signal, () => api.identity(signal)),
    upstreams: (kind, signal) => counted('upstreams', signal, () => api.upstreams(kind, signal)),
    upstream: (ref, signal, countersOf) =>
      counted('upstream', signal, () => api.upstream(ref, signal, countersOf)),
    server: (ref, id, signal) => counted('server', signal, () => api.server(ref, id, signal)),
    add: (ref, address, parameters, signal) =>
      counted('add', signal, () => api.add(ref, address, parameters, signal)),
    update: (ref, id, changes, signal) =>
      counted('update', signal, () => api.update(ref, id, changes, signal)),
    drain: (ref, id, signal) => counted('drain', signal, () => api.drain(ref, id, signal)),
    remove: (ref, id, signal) => counted('remove', signal, () => api.remove(ref, id, signal)),
  };
}

/** A status, or what kept NGINX from answering; one of a few words, whatever NGINX answers. */
function resultOf(error: unknown): string {
  if (!(error instanceof NginxError)) return 'error';
  const { status, code } = error;
  if (status !== undefined && status >= 300 && status <= 599) return String(status);
  return code === 'TIMEOUT' || code === 'UNREACHABLE' ? code.toLowerCase() : 'error';
}
