/** Firmware in the demonstration: an operator who publishes it, and a thousand devices that ask for it. */
import { execFile } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { revisionOf } from '../../src/firmware/shared/catalogue.js';
import { bucketOf } from '../../src/firmware/shared/cohort.js';
import { type Cluster, firmwareOrigin } from '../support/containers/cluster.js';
import { until, uploadUrl } from '../support/containers/index.js';
import {
  boot,
  type Device,
  type DeviceFailure,
  type Firmware,
  Fleet,
  manyDevices,
  type Rule,
  Site,
} from '../support/devices/index.js';
import { appImage } from '../support/firmware-image.js';
import { elapsed, say } from '../support/report/narrator.js';
import type { Expectations } from '../support/traffic/expectations.js';
import type { Access } from './firmware-access.js';

const execute = promisify(execFile);
const SIDEKICK = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export const TYPE = 'lamp-v2';
export const DEVICES = 1_000;
/** One lamp in ten cannot boot it. */
export const BAD = '1.4.0';
const CHECKS_PER_SECOND = 300;
/** Bytes of the segments of an image. */
const SEGMENTS = [131_072, 65_536, 72];

/** An image of a version; no two versions have the same bytes. */
export function build(version: string): Firmware {
  const fill = createHash('sha256').update(version).digest()[0] ?? 0;
  return boot(appImage({ version, project: 'lamp', segments: SEGMENTS, fill }));
}

export class FirmwareSide {
  readonly fleet: Fleet;
  /** Devices that are offered whatever is tried. */
  readonly bench: readonly Device[];
  readonly #cluster: Cluster;
  readonly #access: Access;
  #rule: Rule = nobody;

  /** `factory` is what the devices run at first. */
  constructor(cluster: Cluster, access: Access, factory: Firmware, expectations: Expectations) {
    this.#cluster = cluster;
    this.#access = access;
    const devices = manyDevices({
      sites: [new Site(firmwareOrigin(cluster.gateway), access.authority.ca)],
      type: TYPE,
      count: DEVICES,
      firmware: factory,
      publicKey: createPublicKey(access.signingKey),
      start: (number, { version }) => (version === BAD && number % 10 === 0 ? 'goes-back' : 'runs'),
    });
    this.fleet = new Fleet(devices, {
      checksPerSecond: CHECKS_PER_SECOND,
      asksAfterStart: true,
      isExpected: (failure) => isExpected(failure, expectations),
    });
    this.bench = devices.slice(-5);
  }

  /** `sidekick firmware publish`, to the firmware server that was started last: it is never stopped. */
  async publish(firmware: Firmware): Promise<void> {
    const { ca, token, key } = this.#access.files;
    const file = path.join(this.#access.authority.directory, `lamp-${firmware.version}.bin`);
    writeFileSync(file, firmware.image);
    this.fleet.know(firmware);
    const server = [...this.#cluster.hosts.values()].findLast(
      ({ backend }) => backend.service === 'firmware',
    );
    if (server === undefined) throw new Error('there is no firmware server');
    await this.command(
      ['publish', file, '--type', TYPE, '--version', firmware.version, '--sign', key],
      ['--upload-url', uploadUrl(server.backend), '--upload-ca', ca, '--upload-token-file', token],
    );
  }

  /** Has the rollout changed by a command. From when NGINX has it, devices may be given what the rule says, and nothing else. */
  async change(command: readonly string[], rule: Rule): Promise<void> {
    const before = this.#rule;
    this.#rule = rule;
    this.fleet.allow((device) => [...before(device), ...rule(device)]);
    const { revision } = JSON.parse(await this.command(command, ['--json'])) as { revision: number };
    const changed = elapsed();
    await until('NGINX answers by it', async () => (await this.#offeredRevision()) >= revision);
    this.fleet.allow(rule);
    say(`NGINX answers by it ${(elapsed() - changed).toFixed(2)} s after the command ended`);
  }

  /** Resolves once a watcher has halted the rollout, with what it says of it. */
  async halt(): Promise<string> {
    return until('the rollout halts', async () => {
      const { paused } = JSON.parse(await this.#run(['status', TYPE, '--json'])) as {
        paused?: { reason?: string; halted?: object };
      };
      return paused?.halted !== undefined && (paused.reason ?? '');
    });
  }

  /** Runs `sidekick firmware …`, and resolves with what it printed. `silent` arguments are not shown. */
  async command(shown: readonly string[], silent: readonly string[] = []): Promise<string> {
    say(`$ sidekick firmware ${shown.map((word) => path.basename(word)).join(' ')}`);
    return this.#run([...shown, ...silent]);
  }

  async #run(order: readonly string[]): Promise<string> {
    const { PATH = '' } = process.env;
    const env = { PATH, USER: 'ann', SIDEKICK_ETCD_ENDPOINTS: this.#cluster.etcd.url };
    const args = [SIDEKICK, 'firmware', ...order];
    return (await execute(process.execPath, args, { env })).stdout;
  }

  /** How many devices run a version. */
  running(version: string): number {
    return this.fleet.running().get(version) ?? 0;
  }

  /** How many devices may be given a version by a rule. */
  chosen(version: string, rule: Rule): number {
    return this.fleet.devices.filter((device) => rule(device).includes(version)).length;
  }

  async #offeredRevision(): Promise<number> {
    const response = await fetch(`${this.#cluster.gateway.api}/9/http/keyvals/firmware`);
    const zone = (await response.json()) as Readonly<Record<string, string>>;
    return revisionOf(zone[TYPE] ?? '');
  }
}

/** Nobody is given anything. */
export const nobody: Rule = () => [];

/** The share of the devices, and these besides. */
export function share(version: string, percent: number, besides: readonly Device[] = []): Rule {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return (device) => {
    const isChosen = bucketOf(`${TYPE}-${version}`, device.mac, digest) < percent * 100;
    return isChosen || besides.includes(device) ? [version] : [];
  };
}

/** What a device loses with a server or an NGINX that was killed on purpose. */
function isExpected({ kind, server }: DeviceFailure, { killed, nginxIsDown }: Expectations): boolean {
  return nginxIsDown || (kind === 'connection' && killed.has(server));
}
