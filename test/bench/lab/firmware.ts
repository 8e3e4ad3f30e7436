/** A type of firmware in etcd, and devices that ask for it at every NGINX. */
import { Agent, type Dispatcher, request } from 'undici';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { NEVER } from '../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { FirmwareRepository, type TypeChange } from '../../../src/daemon/firmware/repository.js';
import type { Release } from '../../../src/firmware/release.js';
import type { Rollout } from '../../../src/firmware/rollout.js';
import type { Etcd, Gateway } from '../../support/containers/index.js';
import { HOLDS_ALL } from '../../support/firmware-registration.js';
import { now } from '../clock.js';

const TYPE = 'lamp';
const AUTHOR = { by: 'bench', at: '2026-11-27T12:00:00.000Z' };
const DEVICE = '24:6f:28:aa:bb:cc';
const TIMEOUT = 60_000;

/** The stable release and the candidate. */
const RELEASES = ['1.0.0', '1.1.0'] as const;
type Version = (typeof RELEASES)[number];

function releaseOf(version: Version): Release {
  const digit = version.charAt(2);
  return {
    version,
    publishedAt: AUTHOR.at,
    publishedBy: AUTHOR.by,
    plain: { sha256: digit.repeat(64), md5: digit.repeat(32), size: 1_000_000 },
    image: { chip: 'esp32', secureBoot: 'none' },
  };
}

/** The candidate, for all devices or for none. */
function rolloutTo(percent: number): Rollout {
  const [stable, version] = RELEASES;
  const candidate = { version, percent, salt: 'lamp-1.1.0', groups: [] };
  return { ...AUTHOR, stable, candidate, downgrade: false, secureVersion: 0 };
}

export class Firmware implements AsyncDisposable {
  readonly #devices: Dispatcher = new Agent({ connect: { rejectUnauthorized: false } });

  private constructor(
    readonly connection: EtcdConnection,
    readonly repository: FirmwareRepository,
    readonly gateways: readonly Gateway[],
  ) {}

  /** Publishes both releases and rolls the stable one out; resolves when every NGINX answers by it. */
  static async start(etcd: Etcd, gateways: readonly Gateway[]): Promise<Firmware> {
    await etcd.put('/services/firmware/10.0.0.11:8080', HOLDS_ALL);
    const connection = connectEtcd({ endpoints: [etcd.url] });
    const repository = new FirmwareRepository(connection.store, DEFAULT_KEY_PREFIXES);
    const firmware = new Firmware(connection, repository, gateways);
    for (const version of RELEASES) {
      const record = { chip: 'esp32', forms: ['text' as const] };
      const entry = { ...AUTHOR, action: 'publish' as const, text: `published ${version}` };
      await firmware.#change({ entry, record, release: releaseOf(version) });
    }
    await firmware.rollOut(RELEASES[0]);
    return firmware;
  }

  /** Rolls a release out to every device. Resolves with the time from the write into etcd to every NGINX's answer, in ms. */
  async rollOut(version: Version): Promise<number> {
    const percent = version === RELEASES[0] ? 0 : 100;
    const entry = { ...AUTHOR, action: 'rollout' as const, text: `${version} is offered to all devices` };
    const sent = now();
    const [, ...answered] = await Promise.all([
      this.#change({ entry, rollout: rolloutTo(percent) }),
      ...this.gateways.map((gateway) => this.#answers(gateway, version)),
    ]);
    return Math.max(...answered) - sent;
  }

  /** There and back. */
  async rollOutBoth(): Promise<readonly number[]> {
    const [stable, candidate] = RELEASES;
    return [await this.rollOut(candidate), await this.rollOut(stable)];
  }

  async #change(change: TypeChange): Promise<void> {
    const ground = await this.repository.type(TYPE, NEVER);
    const { made } = await this.repository.change(ground, change, NEVER);
    if (!made) throw new Error('somebody else changed the type');
  }

  /** Asks again and again. Resolves with the time of the first answer with this version. */
  async #answers({ httpsPort }: Gateway, version: Version): Promise<number> {
    const url = `https://127.0.0.1:${httpsPort}/ota/${TYPE}/version?id=${DEVICE}`;
    const deadline = now() + TIMEOUT;
    while (now() < deadline) {
      const { body } = await request(url, { dispatcher: this.#devices });
      if ((await body.text()) === version) return now();
    }
    throw new Error(`${url} does not say ${version} within ${TIMEOUT} ms`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.close();
    await this.#devices.close();
  }
}
