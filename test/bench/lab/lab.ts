/** What a part of the benchmark measures in: an etcd of its own in a container, and an NGINX Plus API in a process. */
import { type Etcd, startEtcd, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { instancesOf, type Layout } from './layout.js';
import { Nginx } from './nginx.js';
import { Registry } from './registry.js';

export class Lab implements AsyncDisposable {
  readonly registry: Registry;

  private constructor(
    readonly network: TestNetwork,
    readonly etcd: Etcd,
    readonly nginx: Nginx,
  ) {
    this.registry = new Registry(etcd.url);
  }

  static async start(): Promise<Lab> {
    const network = await startNetwork('sidekick-bench');
    const [etcd, nginx] = await Promise.all([startEtcd(network), Nginx.start()]);
    return new Lab(network, etcd, nginx);
  }

  /** Registers the instances of a layout and nothing else. */
  async register(layout: Layout): Promise<void> {
    await this.registry.clear();
    await this.registry.putAll(instancesOf(layout));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.registry[Symbol.dispose]();
    await this.nginx[Symbol.asyncDispose]();
    await this.network.remove();
  }
}
