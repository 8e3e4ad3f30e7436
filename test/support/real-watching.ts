/** A watcher in this process between a real etcd and a real gateway, each behind a proxy that can spoil its connections. */
import { connectEtcd } from '../../src/adapters/etcd/connect.js';
import { createNginxApi } from '../../src/adapters/nginx/api.js';
import type { ActualServer } from '../../src/core/ports.js';
import type { UpstreamRef } from '../../src/core/upstream.js';
import type { WatcherOptions, WatcherPorts } from '../../src/daemon/watcher/options.js';
import { Watcher } from '../../src/daemon/watcher/watcher.js';
import {
  API_TOKEN,
  type Etcd,
  type Gateway,
  startEtcd,
  startGateway,
  startNetwork,
  type TestNetwork,
  until,
} from './containers/index.js';
import { recordingLog, recordingMeter } from './silent.js';
import { TcpProxy } from './tcp-proxy.js';
import { ANY_ADDRESS, OPTIONS } from './watching.js';

const SIGNAL = new AbortController().signal;

/** etcd and a gateway, and the proxies in front of them. */
export class RealCluster implements AsyncDisposable {
  private constructor(
    readonly network: TestNetwork,
    readonly etcd: Etcd,
    readonly gateway: Gateway,
    readonly etcdProxy: TcpProxy,
    readonly apiProxy: TcpProxy,
  ) {}

  static async start(): Promise<RealCluster> {
    const network = await startNetwork();
    const [etcd, gateway] = await Promise.all([startEtcd(network), startGateway(network)]);
    const proxyOf = (url: string) => TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(url).port) });
    return new RealCluster(network, etcd, gateway, await proxyOf(etcd.url), await proxyOf(gateway.api));
  }

  /** Takes out every key and every server, so that one test leaves nothing to the next. */
  async clear(): Promise<void> {
    this.etcdProxy.heal();
    this.apiProxy.heal();
    await this.etcd.delete('/');
    await this.clearServers();
  }

  /** Takes out every server, and leaves the keys. */
  async clearServers(): Promise<void> {
    const api = createNginxApi({ name: 'clear', url: this.gateway.api, auth: { token: API_TOKEN } });
    for (const kind of ['http', 'stream'] as const) {
      for (const name of await api.upstreams(kind, SIGNAL)) {
        const { servers } = await api.upstream({ kind, name }, SIGNAL);
        for (const { id } of servers) await api.remove({ kind, name }, id, SIGNAL);
      }
    }
    await api.close();
  }

  async servers(ref: UpstreamRef): Promise<readonly ActualServer[]> {
    const api = createNginxApi({ name: 'look', url: this.gateway.api, auth: { token: API_TOKEN } });
    try {
      return (await api.upstream(ref, SIGNAL)).servers;
    } finally {
      await api.close();
    }
  }

  /** Resolves once the group has exactly these addresses, in any order, none of them out of rotation. */
  async serves(ref: UpstreamRef, addresses: readonly string[], timeoutMs = 60_000): Promise<void> {
    const wanted = JSON.stringify([...addresses].sort());
    let seen = '';
    try {
      await until(
        'the wanted servers',
        async () => {
          const servers = await this.servers(ref);
          const states = servers.map(
            ({ address, draining, parameters }) => address + (draining || parameters.down ? ' out' : ''),
          );
          seen = JSON.stringify(states.sort());
          return seen === wanted;
        },
        { timeoutMs },
      );
    } catch (error) {
      throw new Error(`wanted ${wanted}, last seen ${seen}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.etcdProxy.close();
    await this.apiProxy.close();
    await this.network.remove();
  }
}

/** The watcher, and all that is known of it. */
export class RealWatcher implements AsyncDisposable {
  readonly log = recordingLog();
  readonly meter = recordingMeter();
  readonly watcher: Watcher;
  readonly #stop = new AbortController();
  readonly #close: () => Promise<void>;
  readonly #done: Promise<void>;

  constructor(
    cluster: {
      readonly etcd: readonly string[];
      readonly nginx: Readonly<Record<string, string>>;
      readonly auth?: { readonly username: string; readonly password: string };
      /** How long a call to NGINX may take, in ms; default that of the client. */
      readonly timeout?: number;
      /** How long a watch of etcd may be silent, in ms; default that of the client. */
      readonly stall?: number;
    },
    options: Partial<WatcherOptions> = {},
    ports: Partial<WatcherPorts> = {},
  ) {
    const { auth, timeout, stall } = cluster;
    const connection = connectEtcd({
      endpoints: [...cluster.etcd],
      ...(auth ? { auth } : {}),
      ...(stall === undefined ? {} : { stall }),
    });
    const nginx = Object.entries(cluster.nginx).map(([name, url]) =>
      createNginxApi({
        name,
        url,
        auth: { token: API_TOKEN },
        ...(timeout === undefined ? {} : { timeout }),
      }),
    );
    this.watcher = new Watcher(
      // Everything of a test is on one host.
      { ...OPTIONS, allow: ANY_ADDRESS, ...options },
      {
        ...connection,
        nginx,
        log: this.log,
        meter: this.meter,
        clock: () => performance.now(),
        wallClock: Date.now,
        ...ports,
      },
    );
    this.#done = this.watcher.run(this.#stop.signal);
    this.#close = async () => {
      connection.close();
      await Promise.all(nginx.map((api) => api.close()));
    };
  }

  /** In front of the proxies of a cluster. */
  static of(
    cluster: RealCluster,
    options?: Partial<WatcherOptions>,
    ports?: Partial<WatcherPorts>,
  ): RealWatcher {
    const endpoints = {
      etcd: [cluster.etcdProxy.address],
      nginx: { gateway: `http://${cluster.apiProxy.address}/api` },
    };
    return new RealWatcher(endpoints, options, ports);
  }

  async isReady(): Promise<void> {
    await until('the watcher is ready', () => this.watcher.ready);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    await this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
