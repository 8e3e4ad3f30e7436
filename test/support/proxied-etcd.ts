/** An etcd in a container of its own network, with a TCP proxy in front of it that can break the connection. */
import { connectEtcd, type EtcdConnection } from '../../src/adapters/etcd/connect.js';
import type { EtcdOptions } from '../../src/adapters/etcd/options.js';
import { type Etcd, startEtcd, startNetwork, type TestNetwork } from './containers/index.js';
import { Recorder } from './recorder.js';
import { TcpProxy } from './tcp-proxy.js';

export class ProxiedEtcd implements AsyncDisposable {
  readonly #network: TestNetwork;

  private constructor(
    network: TestNetwork,
    readonly server: Etcd,
    readonly proxy: TcpProxy,
    /** A connection that does not go through the proxy. */
    readonly direct: EtcdConnection,
  ) {
    this.#network = network;
  }

  /** Starts it; `options` are those of the direct connection. */
  static async start(options: Partial<EtcdOptions> = {}): Promise<ProxiedEtcd> {
    const network = await startNetwork();
    const server = await startEtcd(network);
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    return new ProxiedEtcd(network, server, proxy, connectEtcd({ endpoints: [server.url], ...options }));
  }

  /** Watches prefixes through the proxy, with no resync unless `options` ask for one: the watch must not miss anything. */
  watch(prefixes: readonly string[], options: Partial<EtcdOptions> = {}): Recorder & AsyncDisposable {
    const connection = connectEtcd({ endpoints: [this.proxy.address], resync: 600_000, ...options });
    const stop = new AbortController();
    const recorder = new Recorder();
    const done = connection.reader.watch(prefixes, recorder, stop.signal);
    return Object.assign(recorder, {
      async [Symbol.asyncDispose]() {
        stop.abort();
        await done;
        connection.close();
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.direct.close();
    await this.proxy.close();
    await this.#network.remove();
  }
}
