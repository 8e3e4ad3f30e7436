/** The ports of one watcher, which can be cut off as a killed process is, with what matters watched on its way out. */
import { EtcdError, NginxError } from '../../../src/core/errors.js';
import type {
  ActualServer,
  NginxApi,
  NginxIdentity,
  RegistryClient,
  RegistryListener,
  RegistryReader,
  RegistrySnapshot,
  UpstreamState,
} from '../../../src/core/ports.js';
import type { UpstreamRef } from '../../../src/core/upstream.js';

/** What a watcher is seen to do. */
export interface Spy {
  viewed(view: RegistrySnapshot): void;
  /** NGINX has said which process and configuration it is. */
  identified(nginx: string, identity: NginxIdentity): void;
  read(nginx: string, ref: UpstreamRef, state: UpstreamState): void;
  /** NGINX has shown one server, as it is after an add or when it was asked for. */
  sees(nginx: string, ref: UpstreamRef, server: ActualServer): void;
  /** About to take a server out of rotation, or away. */
  takes(nginx: string, ref: UpstreamRef, id: number, how: 'drain' | 'down' | 'remove'): void;
  answers(key: string, revision: string): void;
}

export class Severable {
  readonly #spy: Spy;
  #severed = false;

  constructor(spy: Spy) {
    this.#spy = spy;
  }

  /** From here on nothing gets out, and what comes back is not heard. */
  sever(): void {
    this.#severed = true;
  }

  reader(inner: RegistryReader): RegistryReader {
    return {
      watch: (prefixes, observer, signal) => inner.watch(prefixes, this.#observer(observer), signal),
    };
  }

  store(inner: RegistryClient): RegistryClient {
    const through = <T>(call: () => Promise<T>): Promise<T> =>
      this.#severed ? Promise.reject(new EtcdError('UNREACHABLE', 'killed')) : call();
    return {
      list: (...args) => through(() => inner.list(...args)),
      currentRevision: (...args) => through(() => inner.currentRevision(...args)),
      read: (...args) => through(() => inner.read(...args)),
      put: (key, value, options, signal) =>
        through(() => {
          if (key.includes('/drained/')) this.#spy.answers(key, value);
          return inner.put(key, value, options, signal);
        }),
      remove: (...args) => through(() => inner.remove(...args)),
      commit: (...args) => through(() => inner.commit(...args)),
      grant: (...args) => through(() => inner.grant(...args)),
      keepAlive: (...args) => through(() => inner.keepAlive(...args)),
      leaseExists: (...args) => through(() => inner.leaseExists(...args)),
      revoke: (...args) => through(() => inner.revoke(...args)),
    };
  }

  nginx(inner: NginxApi): NginxApi {
    const { name } = inner;
    const through = async <T>(call: () => Promise<T>): Promise<T> => {
      if (this.#severed) throw new NginxError('UNREACHABLE', 'killed');
      const answer = await call();
      if (this.#severed) throw new NginxError('UNREACHABLE', 'killed');
      return answer;
    };
    const taking = (
      ref: UpstreamRef,
      id: number,
      how: 'drain' | 'down' | 'remove',
      call: () => Promise<void>,
    ) =>
      through(() => {
        this.#spy.takes(name, ref, id, how);
        return call();
      });
    return {
      name,
      identity: (signal) =>
        through(async () => {
          const identity = await inner.identity(signal);
          this.#spy.identified(name, identity);
          return identity;
        }),
      upstreams: (kind, signal) => through(() => inner.upstreams(kind, signal)),
      upstream: (ref, signal, countersOf) =>
        through(async () => {
          const state = await inner.upstream(ref, signal, countersOf);
          if (!this.#severed) this.#spy.read(name, ref, state);
          return state;
        }),
      server: (ref, id, signal) =>
        through(async () => {
          const server = await inner.server(ref, id, signal);
          this.#spy.sees(name, ref, server);
          return server;
        }),
      add: (ref, address, parameters, signal) =>
        through(async () => {
          const server = await inner.add(ref, address, parameters, signal);
          if (server) this.#spy.sees(name, ref, server);
          return server;
        }),
      update: (ref, id, changes, signal) => {
        const call = () => inner.update(ref, id, changes, signal);
        return changes.down === true ? taking(ref, id, 'down', call) : through(call);
      },
      drain: (ref, id, signal) => taking(ref, id, 'drain', () => inner.drain(ref, id, signal)),
      remove: (ref, id, signal) => taking(ref, id, 'remove', () => inner.remove(ref, id, signal)),
    };
  }

  #observer(observer: RegistryListener): RegistryListener {
    return {
      onSnapshot: (view) => {
        if (this.#severed) return;
        this.#spy.viewed(view);
        observer.onSnapshot(view);
      },
      onUnavailable: (error) => {
        if (!this.#severed) observer.onUnavailable(error);
      },
    };
  }
}
