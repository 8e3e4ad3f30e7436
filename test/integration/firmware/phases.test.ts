/** Watchers of two NGINX over a real etcd: a bad release is halted on both, a good one walks through its phases. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monotonicClock } from '../../../src/adapters/clocks.js';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import type { EtcdOptions } from '../../../src/adapters/etcd/options.js';
import { createNginxApi, type NginxClient } from '../../../src/adapters/nginx/api.js';
import { NEVER } from '../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { FirmwareRepository } from '../../../src/daemon/firmware/repository.js';
import { RolloutController } from '../../../src/daemon/firmware/rollout-controller.js';
import { releaseKey, typeKey } from '../../../src/firmware/keys.js';
import { progressOf } from '../../../src/firmware/progress.js';
import { encodeRelease } from '../../../src/firmware/release.js';
import { encodeType } from '../../../src/firmware/type-record.js';
import type { TypeState } from '../../../src/firmware/type-state.js';
import { enableAccessControl, WATCHER_PERMISSIONS } from '../../support/access-control.js';
import { ApiFront } from '../../support/api-front.js';
import {
  API_TOKEN,
  type Etcd,
  startEtcd,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { rawRequest } from '../../support/raw-request.js';
import { recordingLog, recordingMeter } from '../../support/silent.js';
import { type Backend, hostAddress, startHttp } from '../gateway/backends.js';
import { type FullGateway, startFullGateway } from '../gateway/gateway.js';
import { order } from './firmware-server.js';
import { newOfferer, ORIGIN } from './in-process.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const IMAGE = Buffer.alloc(4_096, 7);
const DEVICES = Array.from({ length: 120 }, (_, i) => `device-${i}`);

let network: TestNetwork;
let etcd: Etcd;
let server: Backend;
let gateways: readonly FullGateway[];
let connection: EtcdConnection;
let repository: FirmwareRepository;

beforeAll(async () => {
  network = await startNetwork();
  server = await startHttp(await hostAddress(network), (_, response) => response.end(IMAGE));
  [etcd, gateways] = await Promise.all([
    startEtcd(network),
    Promise.all(['one', 'two'].map((name) => startFullGateway(network, undefined, { name }))),
  ]);
  for (const { api } of gateways) {
    await api.call('POST', '/http/upstreams/firmware/servers', { server: server.server });
  }
  connection = connectEtcd({ endpoints: [etcd.url] });
  repository = new FirmwareRepository(connection.store, PREFIXES);
}, 300_000);

afterAll(async () => {
  connection?.close();
  await server?.close();
  await network?.remove();
});

/** The API of each gateway. */
function apiUrls(): readonly string[] {
  return gateways.map(({ container }) => `http://127.0.0.1:${container.port(8080)}/api`);
}

/** A watcher's part in firmware, in this process: it drives both NGINX. */
class Watcher {
  readonly #etcd: EtcdConnection;
  readonly #stop = new AbortController();
  readonly #nginx: readonly NginxClient[];
  readonly #done: Promise<unknown>;
  readonly log = recordingLog();

  constructor(
    id: string,
    { urls = apiUrls(), auth }: { urls?: readonly string[]; auth?: EtcdOptions['auth'] } = {},
  ) {
    this.#etcd = connectEtcd({ endpoints: [etcd.url], ...(auth && { auth }) });
    this.#nginx = urls.map((url, i) =>
      createNginxApi({ name: `nginx-${i}`, url, auth: { token: API_TOKEN } }),
    );
    const ports = {
      ...{ ...this.#etcd, nginx: this.#nginx, log: this.log, meter: recordingMeter() },
      ...{ clock: monotonicClock, wallClock: Date.now },
    };
    this.#done = Promise.all([
      newOfferer(ports).run(this.#stop.signal),
      new RolloutController({ prefixes: PREFIXES, id }, ports).run(this.#stop.signal),
    ]);
  }

  async kill(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    this.#etcd.close();
    await Promise.all(this.#nginx.map((api) => api.close()));
  }
}

/** Publishes releases of a type, and has a server announce that it holds them. */
async function publish(type: string, ...versions: readonly string[]): Promise<void> {
  const { store } = connection;
  await store.put(
    typeKey(PREFIXES, type),
    encodeType({ chip: 'esp32', forms: ['esp32fota', 'file'] }),
    {},
    NEVER,
  );
  let revision = 0;
  for (const version of versions) {
    const sha256 = createHash('sha256').update(`${type} ${version}`).digest('hex');
    const release = encodeRelease({
      ...{ version, publishedAt: '2026-11-27T12:00:00.000Z', publishedBy: 'ci' },
      plain: { sha256, md5: sha256.slice(0, 32), size: IMAGE.length },
      image: { chip: 'esp32', secureBoot: 'none' },
    });
    revision = await store.put(releaseKey(PREFIXES, type, version), release, {}, NEVER);
  }
  const meta = { firmware: String(revision) };
  await store.put('/services/firmware/10.0.0.1:8080', JSON.stringify({ meta }), {}, NEVER);
}

async function rolledOut(type: string): Promise<TypeState> {
  return repository.type(type, NEVER);
}

/** Devices of a type that ask one of the two NGINX each, and fetch what they are told of. */
class Devices {
  readonly #type: string;
  readonly #runs = new Map<string, string>();
  readonly #downloaded = new Map<string, string>();
  /** Whether a device boots what it has fetched. */
  readonly #boots: (id: string) => boolean;

  constructor(type: string, boots: (id: string) => boolean) {
    this.#type = type;
    this.#boots = boots;
  }

  get offered(): number {
    return this.#downloaded.size;
  }

  count(version: string): number {
    return [...this.#runs.values()].filter((running) => running === version).length;
  }

  /** Every device asks once. */
  async ask(): Promise<void> {
    for (let i = 0; i < DEVICES.length; i += 10) {
      await Promise.all(DEVICES.slice(i, i + 10).map((id, k) => this.#ask(id, gateways[(i + k) % 2])));
    }
  }

  async #ask(id: string, gateway: FullGateway | undefined): Promise<void> {
    const next = await update(gateway, this.#type, id, this.#runs.get(id) ?? '1.0.0');
    if (next === undefined) return;
    this.#downloaded.set(id, next);
    if (this.#boots(id)) this.#runs.set(id, next);
  }
}

/**
 * A device asks a gateway, and is told where a file is; undefined where it is told of nothing new.
 * @param version What it runs; undefined where it does not say so.
 */
async function ask(gateway: FullGateway | undefined, type: string, id: string, version?: string) {
  const running = version === undefined ? '' : `&version=${version}`;
  const target = `/ota?type=${type}&id=${id}${running}`;
  const headers = { 'User-Agent': 'ESP32HTTPClient' };
  const answer = await rawRequest({ port: gateway?.port('https') ?? 0, target, headers });
  const { url, version: next } = JSON.parse(answer.body.toString()) as { url?: string; version?: string };
  return url === undefined || next === undefined || next === version ? undefined : { url, version: next };
}

/** A device asks a gateway, and fetches what it is told of: the version of that. */
async function update(
  gateway: FullGateway | undefined,
  type: string,
  id: string,
  version?: string,
): Promise<string | undefined> {
  const told = await ask(gateway, type, id, version);
  if (told === undefined) return undefined;
  await fetchImage(gateway, told.url);
  return told.version;
}

async function fetchImage(gateway: FullGateway | undefined, url: string): Promise<void> {
  const target = url.replace(ORIGIN, '');
  const given = await rawRequest({ port: gateway?.port('https') ?? 0, target });
  expect(given.body.equals(IMAGE)).toBe(true);
}

describe('a group of watchers over two NGINX', () => {
  it('halts a release that devices cannot boot, on both', async () => {
    const watchers = [new Watcher('w1'), new Watcher('w2')];
    await publish('bad', '1.1.0');
    await order(repository, 'bad', { version: '1.1.0', percent: 100, maxFailures: 2, min: 10 });
    const devices = new Devices('bad', () => false);
    await until('the rollout is halted', async () => {
      await devices.ask();
      return (await rolledOut('bad')).rollout?.paused !== undefined;
    });
    const { rollout, log } = await rolledOut('bad');
    expect(rollout?.paused?.reason).toMatch(/^halted: \d+ of \d+ devices failed or were lost \(100 %\)/);
    expect(log.filter(({ action }) => action === 'halt')).toHaveLength(1);
    await until('one of the two says so', () =>
      watchers.some((one) => one.log.events('firmware-halted').length > 0),
    );
    // Nobody is offered it any more, whichever NGINX is asked.
    await until('both NGINX have stopped', async () => {
      const answers = await Promise.all(
        gateways.map((gateway) =>
          rawRequest({ port: gateway.port('https'), target: '/ota?type=bad&id=another&version=1.0.0' }),
        ),
      );
      return answers.every(({ body }) => !body.toString().includes('1.1.0'));
    });
    for (const watcher of watchers) await watcher.kill();
  }, 120_000);

  it('leads a good release through its phases while watchers are killed, and count what the devices did', async () => {
    await publish('good', '1.1.0');
    let watcher = new Watcher('w1');
    await order(repository, 'good', {
      version: '1.1.0',
      phases: [20, 50, 100],
      after: 3,
      every: 2,
      maxFailures: 2,
    });
    const devices = new Devices('good', () => true);
    const percents = new Set<number>();
    await until(
      'the last phase has begun, and every device has booted',
      async () => {
        await devices.ask();
        percents.add((await rolledOut('good')).rollout?.candidate?.percent ?? 0);
        await watcher.kill();
        watcher = new Watcher('w1');
        // It is killed again after this time, whatever it has done by then.
        await delay(1_500);
        return devices.count('1.1.0') === DEVICES.length && percents.has(100);
      },
      { timeoutMs: 110_000 },
    );
    await devices.ask();
    await until('everything is counted', async () => {
      const { booted = 0 } = progressOf(await rolledOut('good'), Date.now())?.all ?? {};
      return booted >= DEVICES.length;
    });
    const { rollout, log } = await rolledOut('good');
    const progress = progressOf(await rolledOut('good'), Date.now());
    const all = DEVICES.length;
    expect(progress?.all).toMatchObject({ offered: all, downloaded: all, booted: all, failed: 0 });
    expect(rollout?.candidate?.begun?.map(({ percent }) => percent)).toEqual([20, 50, 100]);
    expect(log.map(({ action }) => action)).toEqual(['rollout', 'phase', 'phase']);
    await watcher.kill();
  }, 180_000);
});

describe('a device that never says its version', () => {
  it('is counted as unknown, and neither halts a rollout nor leads to its next phase', async () => {
    const type = 'mute';
    const watcher = new Watcher('w1');
    await publish(type, '1.1.0');
    await order(repository, type, { version: '1.1.0', phases: [100], after: 1, maxFailures: 0, min: 1 });
    const [gateway] = gateways;
    await until('it has fetched the release', async () => (await update(gateway, type, 'one')) === '1.1.0');
    // What it asks after the download says nothing of what it runs, however often it asks.
    for (let i = 0; i < 3; i++) expect(await ask(gateway, type, 'one')).toMatchObject({ version: '1.1.0' });
    const progress = async () => progressOf(await rolledOut(type), Date.now())?.all;
    await until('it is counted', async () => (await progress())?.unknown === 1);
    expect(await progress()).toMatchObject({ offered: 1, downloaded: 1, booted: 0, failed: 0, lost: 0 });
    expect((await rolledOut(type)).rollout?.paused).toBeUndefined();
    await watcher.kill();
  }, 120_000);
});

/** How often devices of the type ask, in seconds: what an hour is to devices that are not to be waited for here. */
const INTERVAL = 20;
/** From this on, in ms, the time between two questions of a device counts as the device's own interval. */
const OWN_INTERVAL = 61_000;

describe('devices that sleep', () => {
  const type = 'sleepy';
  const gateway = () => gateways[0];
  const progress = async () => progressOf(await rolledOut(type), Date.now())?.all;
  const lost = async (count: number) => {
    const what = `${count} devices are lost`;
    await until(what, async () => (await progress())?.lost === count, { timeoutMs: 100_000 });
  };

  it('does not lose them, nor hold up a phase for them, whether their type sleeps or only they do', async () => {
    const watcher = new Watcher('w1');
    await publish(type, '1.1.0');
    const plan = { phases: [50, 100], after: 20, maxFailures: 50, interval: INTERVAL };
    await order(repository, type, { version: '1.1.0', ...plan });
    const urls = new Map<string, string>();
    await until('the gateway offers it', async () => {
      for (const [id, url] of await chosen(DEVICES)) urls.set(id, url);
      return urls.size > 0;
    });
    const told = [...urls.keys()];
    const began = performance.now();
    // One asks rarely: it has only been told so far. One never comes back. Some sleep until they ask again, and the others boot.
    const [rare = '', dead = '', ...rest] = told;
    const [sleepers, awake] = [rest.slice(0, 5), rest.slice(5)];
    // Each goes to what it was told of: to ask again would take a second slot.
    for (const id of [dead, ...rest]) await fetchImage(gateway(), urls.get(id) ?? '');
    for (const id of awake) await ask(gateway(), type, id, '1.1.0');
    await until('the next phase begins, though some sleep', async () => {
      const { rollout } = await rolledOut(type);
      return rollout?.candidate?.percent === 100;
    });
    await until('it is known who has booted', async () => (await progress())?.booted === awake.length);
    expect(await progress()).toMatchObject({ lost: 0, inFlight: sleepers.length + 2 });
    for (const id of sleepers) await ask(gateway(), type, id, '1.1.0');
    // How long a device sleeps is what is under test.
    await delay(Math.max(0, OWN_INTERVAL - (performance.now() - began)));
    await lost(1);
    // The one that asks rarely has shown that it does; another one fetches with it, and is lost when its type says so.
    const another = DEVICES.find((id) => !urls.has(id)) ?? '';
    for (const id of [rare, another]) expect(await update(gateway(), type, id, '1.0.0')).toBe('1.1.0');
    await lost(2);
    await ask(gateway(), type, rare, '1.1.0');
    const booted = awake.length + sleepers.length + 1;
    await until('all of the others have booted', async () => (await progress())?.booted === booted);
    expect(await progress()).toMatchObject({ lost: 2, failed: 0 });
    expect((await rolledOut(type)).rollout?.paused).toBeUndefined();
    await watcher.kill();
  }, 300_000);

  /** Those of the devices that are told of the release, with where it is. */
  async function chosen(
    devices: readonly string[],
  ): Promise<readonly (readonly [id: string, url: string])[]> {
    const found: (readonly [string, string])[] = [];
    for (const id of devices) {
      const told = await ask(gateway(), type, id, '1.0.0');
      if (told) found.push([id, told.url]);
    }
    return found;
  }
});

describe('a watcher with a rollout that watches itself', () => {
  it('reports an NGINX that takes no offers and tells no outcomes, and when it does again', async () => {
    await using front = await ApiFront.start(apiUrls()[0] ?? '');
    front.treat = () => ({ status: 503 });
    const watcher = new Watcher('w1', { urls: [front.url] });
    const said = (event: string) => until(event, () => watcher.log.events(event).length > 0);
    await publish('deaf', '1.1.0');
    await order(repository, 'deaf', { version: '1.1.0', percent: 100, maxFailures: 2 });
    await Promise.all([said('firmware-offer-failed'), said('firmware-outcomes-unavailable')]);
    front.treat = () => undefined;
    await Promise.all([said('firmware-offered'), said('firmware-outcomes-counted')]);
    // A configuration of before outcomes were counted.
    front.treat = (_, path) => (path.startsWith('/firmware/outcomes') ? { status: 404 } : undefined);
    await said('firmware-outcomes-uncounted');
    await watcher.kill();
  }, 120_000);

  // The last one: it leaves access control behind.
  it('reports that its role in etcd may not write the outcomes of firmware', async () => {
    await publish('unwritten', '1.1.0');
    await order(repository, 'unwritten', { version: '1.1.0', percent: 100, maxFailures: 2 });
    const user = { name: 'watcher', password: 'one' };
    await enableAccessControl(etcd, [{ ...user, permissions: WATCHER_PERMISSIONS }]);
    const watcher = new Watcher('w1', { auth: { username: user.name, password: user.password } });
    const devices = new Devices('unwritten', () => true);
    await until('the refusal is said', async () => {
      await devices.ask();
      return watcher.log.events('firmware-rollout-failed').length > 0;
    });
    await watcher.kill();
  }, 120_000);
});
