/** A cluster in containers: etcd, the gateway, backends each with a sidekick beside it, and the watcher. */

import type { KeyPair } from '../certificates.js';
import { nameBroker } from '../traffic/mqtt-load.js';
import {
  type Backend,
  BLOBS,
  type Container,
  type Etcd,
  type Gateway,
  type Sidekick,
  startBroker,
  startEtcd,
  startFirmware,
  startGateway,
  startHost,
  startNetwork,
  startRegister,
  startWatch,
  type TestNetwork,
  type UploadAccess,
} from './index.js';

/** Short, so that nobody has to wait for a dead host's key; the default is 15 s. */
export const LEASE_TTL = '5s';
/** How long a draining broker's server stays in NGINX; the default is 5 minutes. */
export const STREAM_DRAIN = '12s';

/** What a cluster serves firmware with. */
export interface FirmwareAccess {
  /** For `localhost`: devices check it. */
  readonly gateway: KeyPair;
  readonly upload: UploadAccess;
}

/** Options of a cluster; the defaults are those of `npm run demo`. */
interface ClusterOptions {
  /** Default {@link LEASE_TTL}. */
  readonly leaseTtl?: string;
  /** Default {@link STREAM_DRAIN}. */
  readonly streamDrain?: string;
  /** Certificates and the token by which firmware is published and served. Default: none is. */
  readonly firmware?: FirmwareAccess;
  /** Backends keep their addresses when they are stopped and started again. Default: false. */
  readonly fixedAddresses?: boolean;
}

/** A host: a backend and the sidekick that runs beside it. */
export interface Host {
  readonly name: string;
  readonly backend: Backend;
  readonly sidekick: Sidekick;
}

export interface Cluster {
  readonly network: TestNetwork;
  readonly etcd: Etcd;
  readonly gateway: Gateway;
  readonly watcher: Sidekick;
  /** The hosts by their names: `firmware-1`, `broker-1` and so on. */
  readonly hosts: ReadonlyMap<string, Host>;
  host(name: string): Host;
  /** Starts one more firmware server with its sidekick. */
  addFirmware(): Promise<Host>;
  /** Starts one more broker with its sidekick. */
  addBroker(): Promise<Host>;
  /** The addresses in an upstream group of the gateway, by the names of their hosts; draining ones are marked. */
  serverNames(kind: 'http' | 'stream'): Promise<string[]>;
}

/** Starts etcd, the gateway and the watcher, without backends. */
export async function startCluster(network: TestNetwork, options: ClusterOptions = {}): Promise<Cluster> {
  const { leaseTtl = LEASE_TTL, streamDrain = STREAM_DRAIN, fixedAddresses = false, firmware } = options;
  const [etcd, gateway] = await Promise.all([
    startEtcd(network),
    startGateway(network, 'gateway', firmware && { certificate: firmware.gateway }),
  ]);
  const watcher = await startWatch(network, etcd, gateway, [
    '--drain-timeout-http',
    '30s',
    '--drain-timeout-stream',
    streamDrain,
    '--id',
    'demo',
    ...(firmware ? ['--firmware-origin', firmwareOrigin(gateway)] : []),
  ]);
  const hosts = new Map<string, Host>();
  let firmwares = 0;
  let brokers = 0;

  async function hostOf(name: string): Promise<Container | undefined> {
    return fixedAddresses ? startHost(network, `${name}-host`) : undefined;
  }

  async function register(backend: Backend, probe: string[]): Promise<Host> {
    const { name } = backend.container;
    const sidekick = await startRegister(network, etcd, backend, ['--lease-ttl', leaseTtl, ...probe]);
    const host = { name, backend, sidekick };
    hosts.set(name, host);
    return host;
  }

  return {
    network,
    etcd,
    gateway,
    watcher,
    hosts,
    host(name) {
      const host = hosts.get(name);
      if (!host) throw new Error(`there is no host ${name}`);
      return host;
    },
    async addFirmware() {
      firmwares += 1;
      const number = firmwares;
      const host = await hostOf(`firmware-${number}`);
      const backend = await startFirmware(network, number, host, firmware?.upload);
      return register(backend, [
        ...['--probe-type', 'http', '--probe-path', '/healthz'],
        ...(firmware ? ['--firmware-directory', BLOBS] : []),
      ]);
    },
    async addBroker() {
      brokers += 1;
      const number = brokers;
      const backend = await startBroker(network, number, await hostOf(`broker-${number}`));
      await nameBroker(backend.container.port(backend.port), backend.container.name);
      return register(backend, ['--probe-type', 'mqtt']);
    },
    async serverNames(kind) {
      const servers = await gateway.servers(kind, kind === 'http' ? 'firmware' : 'mqtt');
      const names = new Map([...hosts.values()].map(({ name, backend }) => [backend.address, name]));
      return servers
        .map(({ server, drain, down }) => {
          const mark = drain || down ? ' (draining)' : '';
          return `${names.get(server) ?? server}${mark}`;
        })
        .sort((a, b) => a.localeCompare(b));
    },
  };
}

/** Where the devices of a cluster with firmware ask. */
export function firmwareOrigin({ httpsPort }: Gateway): string {
  return `https://localhost:${httpsPort}`;
}

/** The network of the cluster. */
export function startStage(): Promise<TestNetwork> {
  return startNetwork('sidekick-demo');
}
