/** What serves firmware to a fleet: etcd, gateways with their watchers, and hosts with firmware servers. All of it is real. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { NEVER } from '../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { FirmwareRepository } from '../../../src/daemon/firmware/repository.js';
import type { TypeState } from '../../../src/firmware/type-state.js';
import { Authority } from '../certificates.js';
import { runCommand } from '../command-line.js';
import {
  type Etcd,
  type Gateway,
  type Sidekick,
  startEtcd,
  startEtcdCluster,
  startGateway,
  startNetwork,
  startWatch,
  type TestNetwork,
  until,
} from '../containers/index.js';

import { boot, type Firmware, Site } from '../devices/index.js';
import { appImage } from '../firmware-image.js';
import { FirmwareHost, UPLOAD_TOKEN } from './host.js';

const NAME = 'ota.example.com';
export const TYPE = 'lamp';

/** The numbers from 1. */
function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** How many there are of what a site has. */
interface SiteSize {
  readonly hosts: number;
  /** Default 1. */
  readonly gateways?: number;
  /** Of each gateway. Default 1. */
  readonly watchers?: number;
  /** Downloads that each host carries at a time. Default 100. */
  readonly slots?: number;
  /** Default 1, which is no cluster. */
  readonly etcdMembers?: number;
}

export class FirmwareSite {
  readonly hosts: FirmwareHost[] = [];
  readonly watchers: Sidekick[] = [];
  readonly gateways: readonly Gateway[];
  /** One etcd, or the members of a cluster. */
  readonly etcd: readonly Etcd[];
  /** Where devices ask: each gateway. */
  readonly ask: readonly Site[];
  /** With its private key files are signed for those devices that check signatures. */
  readonly publicKey: KeyObject;
  readonly #network: TestNetwork;
  readonly #connection: EtcdConnection;
  readonly #authority: Authority;
  readonly #directory: string;
  readonly #slots: number;
  #started = 0;

  private constructor(
    network: TestNetwork,
    etcd: readonly Etcd[],
    gateways: readonly Gateway[],
    authority: Authority,
    slots: number,
  ) {
    this.#network = network;
    this.etcd = etcd;
    this.#slots = slots;
    this.#connection = connectEtcd({ endpoints: etcd.map(({ url }) => url) });
    this.gateways = gateways;
    this.#authority = authority;
    this.#directory = mkdtempSync(path.join(tmpdir(), 'firmware-site-'));
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.publicKey = publicKey;
    writeFileSync(this.#file('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(this.#file('ca.crt'), authority.ca);
    writeFileSync(this.#file('token'), `${UPLOAD_TOKEN}\n`);
    this.ask = gateways.map(
      ({ httpsPort }) => new Site(`https://${NAME}`, authority.ca, { host: '127.0.0.1', port: httpsPort }),
    );
  }

  /** Starts it; every host is registered then. */
  static async start({
    hosts,
    gateways = 1,
    watchers = 1,
    etcdMembers = 1,
    slots = 100,
  }: SiteSize): Promise<FirmwareSite> {
    const authority = new Authority();
    const network = await startNetwork();
    const certificate = authority.issue(NAME, [`DNS:${NAME}`]);
    const [etcd, fronts] = await Promise.all([
      etcdMembers === 1 ? startEtcd(network).then((one) => [one]) : startEtcdCluster(network, etcdMembers),
      Promise.all(upTo(gateways).map((n) => startGateway(network, `gateway-${n}`, { certificate }))),
    ]);
    const site = new FirmwareSite(network, etcd, fronts, authority, slots);
    for (const gateway of fronts) await site.#watch(gateway, watchers);
    await Promise.all(upTo(hosts).map(() => site.join()));
    await Promise.all(site.hosts.map((host) => host.registered()));
    return site;
  }

  /** Starts watchers of a gateway. */
  async #watch(gateway: Gateway, count: number): Promise<void> {
    for (const number of upTo(count)) {
      const id = `${gateway.container.name}-w${number}`;
      const args = ['--id', id, '--firmware-origin', `https://${NAME}`];
      const etcd = { endpoint: this.#endpoints };
      this.watchers.push(await startWatch(this.#network, etcd, gateway, args, `watcher-${id}`));
    }
  }

  /** For clients on the network. */
  get #endpoints(): string {
    return this.etcd.map(({ endpoint }) => endpoint).join(',');
  }

  /** Starts another host with an empty disk. */
  async join(): Promise<FirmwareHost> {
    const dependencies = {
      ...{ network: this.#network, authority: this.#authority },
      ...{ etcdEndpoints: this.#endpoints, store: this.#connection.store, slots: this.#slots },
    };
    const host = await FirmwareHost.start(`firmware-${++this.#started}`, dependencies);
    this.hosts.push(host);
    return host;
  }

  /** The hosts that are registered. */
  async registered(): Promise<readonly FirmwareHost[]> {
    const found = await Promise.all(
      this.hosts.map(async (host) => ((await host.isRegistered()) ? [host] : [])),
    );
    return found.flat();
  }

  /** An image of a version, with as many bytes of data. */
  image(version: string, size: number): Firmware {
    return boot(
      appImage({ version, project: 'lamp', segments: [size], fill: Number(version.split('.')[1]) }),
    );
  }

  /**
   * Publishes an image as an operator does while servers fail: at another server where one fails, again where it is not
   * known what became of it, until it is published and every server has it.
   */
  async publish({ version, image }: Firmware): Promise<void> {
    const file = this.#file(`${version}.bin`);
    writeFileSync(file, image);
    const sign = ['--sign', this.#file('key.pem')];
    const access = ['--upload-token-file', this.#file('token'), '--upload-ca', this.#file('ca.crt')];
    await until(
      `${version} is published`,
      async () => {
        for (const host of await this.registered()) {
          const to = ['--upload-url', host.uploadUrl, ...access, ...sign, '--timeout', '120s'];
          const args = ['publish', file, '--type', TYPE, '--version', version, ...to];
          const { code, err } = await this.firmware(...args);
          if (code === 0) return true;
          const repaired =
            /with this very image|is published/.test(err) && (await this.firmware(...args, '--repair'));
          if (repaired && repaired.code === 0) return true;
        }
        return false;
      },
      { timeoutMs: 240_000 },
    );
  }

  /** Runs `sidekick firmware …`. */
  firmware(...args: readonly string[]) {
    const endpoints = this.etcd.map(({ url }) => url).join(',');
    return runCommand(['firmware', ...args], { SIDEKICK_ETCD_ENDPOINTS: endpoints });
  }

  /** What etcd has of the type that the devices are of. */
  state(): Promise<TypeState> {
    return new FirmwareRepository(this.#connection.store, DEFAULT_KEY_PREFIXES).type(TYPE, NEVER);
  }

  /** As `firmware`, and rejects where it fails. */
  async order(...args: readonly string[]): Promise<void> {
    const { code, err } = await this.firmware(...args);
    if (code !== 0) throw new Error(`sidekick firmware ${args.join(' ')}: ${err}`);
  }

  /** Waits until every gateway answers devices of the type: an order has ended once etcd has it, a moment before that. */
  async answersDevices(): Promise<void> {
    for (const { container, api } of this.gateways) {
      await until(`${container.name} answers devices`, async () => {
        const zone = await fetch(`${api}/9/http/keyvals/firmware`);
        return TYPE in ((await zone.json()) as Readonly<Record<string, string>>);
      });
    }
  }

  async close(): Promise<void> {
    this.#connection.close();
    await this.#network.remove();
    for (const host of this.hosts) host[Symbol.dispose]();
    this.#authority[Symbol.dispose]();
    rmSync(this.#directory, { recursive: true });
  }

  #file(name: string): string {
    return path.join(this.#directory, name);
  }
}
