/** What serves firmware to a fleet: etcd, a gateway with its watcher, and hosts with firmware servers. All of it is real. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Authority } from '../certificates.js';
import { runCommand } from '../command-line.js';
import {
  API_TOKEN,
  type Container,
  type Etcd,
  OPEN_API,
  type Sidekick,
  startContainer,
  startEtcd,
  startNetwork,
  startSidekick,
  type TestNetwork,
  until,
} from '../containers/index.js';

import { boot, type Firmware, Site } from '../devices/index.js';
import { appImage } from '../firmware-image.js';
import { FirmwareHost, UPLOAD_TOKEN } from './host.js';

const HTTPS_PORT = 443;
const API_PORT = 8080;
const NAME = 'ota.example.com';
export const TYPE = 'lamp';

export class FirmwareSite {
  readonly hosts: FirmwareHost[] = [];
  readonly watchers: Sidekick[] = [];
  /** Where devices ask. */
  readonly ask: Site;
  /** With its private key files are signed for those devices that check signatures. */
  readonly publicKey: KeyObject;
  readonly #network: TestNetwork;
  readonly #etcd: Etcd;
  readonly #gateway: Container;
  readonly #authority: Authority;
  readonly #directory: string;
  #started = 0;

  private constructor(network: TestNetwork, etcd: Etcd, gateway: Container, authority: Authority) {
    this.#network = network;
    this.#etcd = etcd;
    this.#gateway = gateway;
    this.#authority = authority;
    this.#directory = mkdtempSync(path.join(tmpdir(), 'firmware-site-'));
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    this.publicKey = publicKey;
    writeFileSync(this.#file('key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(this.#file('ca.crt'), authority.ca);
    writeFileSync(this.#file('token'), `${UPLOAD_TOKEN}\n`);
    const address = { host: '127.0.0.1', port: gateway.port(HTTPS_PORT) };
    this.ask = new Site(`https://${NAME}`, authority.ca, address);
  }

  /** Starts it with so many hosts, all of them registered, and so many watchers of its one gateway. */
  static async start(hosts: number, watchers = 1): Promise<FirmwareSite> {
    const authority = new Authority();
    const network = await startNetwork();
    const { cert, key } = authority.issue(NAME, [`DNS:${NAME}`]);
    const own = '/etc/sidekick-gateway';
    const [etcd, gateway] = await Promise.all([
      startEtcd(network),
      startContainer({
        image: 'sidekick-gateway',
        name: 'gateway',
        network,
        ...OPEN_API,
        files: { ...OPEN_API.files, [`${own}/tls.crt`]: cert.toString(), [`${own}/tls.key`]: key.toString() },
        ports: [HTTPS_PORT, API_PORT],
        ready: (self) =>
          until(
            'the gateway answers',
            async () => (await fetch(`http://127.0.0.1:${self.port(API_PORT)}/api/`)).ok,
          ),
      }),
    ]);
    const site = new FirmwareSite(network, etcd, gateway, authority);
    for (let number = 1; number <= watchers; number++) await site.#startWatcher(`w${number}`);
    await Promise.all(Array.from({ length: hosts }, () => site.join()));
    await Promise.all(site.hosts.map((host) => host.registered()));
    return site;
  }

  async #startWatcher(id: string): Promise<void> {
    const token = '/etc/sidekick/gateway-token';
    const watcher = await startSidekick(this.#network, {
      name: `watcher-${id}`,
      files: { [token]: API_TOKEN },
      args: [
        ...['watch', '--id', id, '--etcd-endpoints', this.#etcd.endpoint],
        ...['--nginx-api', `http://gateway:${API_PORT}/api`, '--nginx-token-file', token],
        ...['--firmware-origin', `https://${NAME}`],
      ],
    });
    this.watchers.push(watcher);
  }

  /** Freezes etcd for so many ms: it takes connections, and does not answer. */
  async freezeEtcd(ms: number): Promise<void> {
    await this.#etcd.container.pause();
    await delay(ms);
    await this.#etcd.container.unpause();
  }

  /** NGINX reads its configuration anew: other workers, and the same shared memory. */
  async reloadGateway(): Promise<void> {
    await this.#gateway.exec(['nginx', '-s', 'reload']);
  }

  /** Starts another host with an empty disk. */
  async join(): Promise<FirmwareHost> {
    const dependencies = { network: this.#network, etcd: this.#etcd, authority: this.#authority };
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
    return runCommand(['firmware', ...args], { SIDEKICK_ETCD_ENDPOINTS: this.#etcd.url });
  }

  /** As `firmware`, and rejects where it fails. */
  async order(...args: readonly string[]): Promise<void> {
    const { code, err } = await this.firmware(...args);
    if (code !== 0) throw new Error(`sidekick firmware ${args.join(' ')}: ${err}`);
  }

  async close(): Promise<void> {
    await this.#network.remove();
    for (const host of this.hosts) host[Symbol.dispose]();
    this.#authority[Symbol.dispose]();
    rmSync(this.#directory, { recursive: true });
  }

  #file(name: string): string {
    return path.join(this.#directory, name);
  }
}
