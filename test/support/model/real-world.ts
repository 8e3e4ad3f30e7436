/** The world of the model with a real etcd and a real gateway, in real time. */
import { setTimeout as delay } from 'node:timers/promises';
import { connectEtcd } from '../../../src/adapters/etcd/connect.js';
import { createNginxApi } from '../../../src/adapters/nginx/api.js';
import { desiredServers } from '../../../src/core/desired.js';
import { Registrations } from '../../../src/core/registrations.js';
import { DEFAULT_TIMING, type WatcherOptions } from '../../../src/daemon/watcher/options.js';
import { Watcher } from '../../../src/daemon/watcher/watcher.js';
import { ApiFront, type Treatment } from '../api-front.js';
import { API_TOKEN, until } from '../containers/index.js';
import { fc } from '../property.js';
import type { RealCluster } from '../real-watching.js';
import { recordingLog, recordingMeter } from '../silent.js';
import { host, OPTIONS } from '../watching.js';
import { Inspector } from './inspector.js';
import { Severable } from './severable.js';
import { groupDifferences, SERVICES, serviceOf } from './world.js';

const SIGNAL = new AbortController().signal;
const HOSTS = [1, 2, 3, 4, 5].map(host);

/** Everything in a fraction of its usual time. */
const FAST: WatcherOptions = {
  ...OPTIONS,
  leaseTtl: 2_000,
  drainTimeout: { http: 1_000, stream: 1_500 },
  guard: { window: 1_500, maxLoss: 0.5, hold: 2_000, grace: 400 },
  timing: { ...DEFAULT_TIMING, resync: 3_000, identity: 300, settle: 100 },
};

/** Longer than a call may take, so that it times out, and takes effect all the same. */
const TIMEOUT = 400;

interface Running {
  readonly severable: Severable;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  readonly close: () => Promise<void>;
}

export class RealWorld {
  readonly violations: string[] = [];
  readonly log = recordingLog();
  readonly cluster: RealCluster;
  readonly front: ApiFront;
  readonly #etcd: ReturnType<typeof connectEtcd>;
  readonly #leases = new Map<string, string>();
  #watcher: Running | undefined;

  private constructor(cluster: RealCluster, front: ApiFront) {
    this.cluster = cluster;
    this.front = front;
    this.#etcd = connectEtcd({ endpoints: [cluster.etcd.url] });
  }

  static async begin(cluster: RealCluster): Promise<RealWorld> {
    await cluster.clear();
    const world = new RealWorld(cluster, await ApiFront.start(cluster.gateway.api));
    world.start();
    return world;
  }

  start(): void {
    if (this.#watcher) return;
    const severable = new Severable(
      new Inspector({
        id: 'lb1',
        serviceOf,
        // Any call may be slow or lost, so copies are judged at the end.
        disturbances: Math.random,
        violation: (text) => this.violations.push(text),
      }),
    );
    const connection = connectEtcd({ endpoints: [this.cluster.etcdProxy.address] });
    const nginx = createNginxApi({
      name: 'gateway',
      url: this.front.url,
      timeout: TIMEOUT,
      auth: { token: API_TOKEN },
    });
    const watcher = new Watcher(FAST, {
      reader: severable.reader(connection.reader),
      store: severable.store(connection.store),
      nginx: [severable.nginx(nginx)],
      log: this.log,
      meter: recordingMeter(),
      clock: () => performance.now(),
      wallClock: Date.now,
    });
    const stop = new AbortController();
    const close = async () => {
      connection.close();
      await nginx.close();
    };
    this.#watcher = { severable, stop, done: watcher.run(stop.signal), close };
  }

  async endWatcher(how: 'stop' | 'kill'): Promise<void> {
    const running = this.#watcher;
    if (!running) return;
    this.#watcher = undefined;
    if (how === 'kill') running.severable.sever();
    running.stop.abort();
    await running.done;
    await running.close();
  }

  async register(service: string, address: string, value: object): Promise<void> {
    const key = `/services/${service}/${address}`;
    const lease = this.#leases.get(key) ?? (await this.#etcd.store.grant(600_000, SIGNAL));
    this.#leases.set(key, lease);
    await this.#etcd.store.put(key, JSON.stringify(value), { lease }, SIGNAL);
  }

  isRegistered(service: string, address: string): boolean {
    return this.#leases.has(`/services/${service}/${address}`);
  }

  async leave(service: string, address: string): Promise<void> {
    const key = `/services/${service}/${address}`;
    const lease = this.#leases.get(key);
    this.#leases.delete(key);
    if (lease !== undefined) await this.#etcd.store.revoke(lease, SIGNAL);
  }

  async maintain(service: string, address: string, on: boolean): Promise<void> {
    const key = `/sidekick/maintenance/${service}/${address}`;
    if (on) await this.#etcd.store.put(key, '', {}, SIGNAL);
    else await this.#etcd.store.remove(key, {}, SIGNAL);
  }

  /** Ends every fault, and resolves once NGINX equals etcd; rejects with what differs if it does not come to that. */
  async quiet(): Promise<void> {
    this.front.treat = () => undefined;
    this.cluster.etcdProxy.heal();
    for (const [service] of SERVICES) {
      for (const address of HOSTS) await this.maintain(service, address, false);
      await this.register(service, host(1), {});
    }
    this.start();
    let last: readonly string[] = [];
    try {
      await until('NGINX equals etcd', async () => {
        last = await this.differences();
        return last.length === 0;
      });
    } catch (error) {
      throw new Error(`after quiet: ${last.join('; ')}`, { cause: error });
    }
  }

  async differences(): Promise<readonly string[]> {
    const listed = await this.#etcd.store.list(OPTIONS.prefixes.services, SIGNAL);
    const entries = new Map(listed.map((entry) => [entry.key, entry]));
    const registrations = new Registrations(OPTIONS.prefixes, { limits: OPTIONS.limits });
    registrations.apply({ entries, changed: new Set(entries.keys()) });
    const groups = SERVICES.map(async ([service, ref]) =>
      groupDifferences(desiredServers(registrations, [service]), ref, await this.cluster.servers(ref)),
    );
    return (await Promise.all(groups)).flat();
  }

  async end(): Promise<void> {
    await this.endWatcher('kill');
    await this.front[Symbol.asyncDispose]();
    this.#etcd.close();
  }
}

/** One thing that happens to the real world. */
export interface RealCommand {
  readonly text: string;
  run(world: RealWorld): unknown;
}

function command(text: string, run: RealCommand['run']): RealCommand {
  return { text, run, [fc.toStringMethod]: () => text } as RealCommand;
}

const instance = fc.record({
  service: fc.constantFrom('firmware', 'mqtt'),
  address: fc.constantFrom(...HOSTS),
});

function ofInstance(
  name: string,
  run: (world: RealWorld, service: string, address: string) => unknown,
): fc.Arbitrary<RealCommand> {
  return instance.map(({ service, address }) =>
    command(`${name} ${service} ${address}`, (world) => run(world, service, address)),
  );
}

const value = fc.constantFrom({}, {}, {}, { weight: 3 }, { max_conns: 7 }, { backup: true }, { down: true });

const register = fc.tuple(instance, value).map(([{ service, address }, given]) => {
  const taken = takenBy(service, given);
  return command(`register ${service} ${address} ${JSON.stringify(taken)}`, (world) =>
    world.register(service, address, taken),
  );
});

/** What a group takes: one that hashes, as the gateway's of MQTT does, refuses `backup` as NGINX does. */
function takenBy(service: string, value: object): object {
  return service === 'mqtt' ? { ...value, backup: undefined } : value;
}

const TREATMENTS: Readonly<Record<string, Treatment>> = {
  'answers 500': { status: 500 },
  'answers 503': { status: 503 },
  'answers 404': { status: 404 },
  'answers 405': { status: 405 },
  'loses the answer': 'lose-answer',
  'times out and does it all the same': { wait: TIMEOUT * 2 },
  'is slow': { wait: TIMEOUT / 2 },
};

const fault = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'any'),
    fc.constantFrom(...Object.keys(TREATMENTS)),
    fc.integer({ min: 1, max: 6 }),
  )
  .map(([method, treatment, times]) =>
    command(`${method} ${treatment}, ${times} times`, ({ front }) => {
      let left = times;
      front.treat = (asked) =>
        (method === 'any' || asked === method) && left-- > 0 ? TREATMENTS[treatment] : undefined;
    }),
  );

const etcd = fc
  .constantFrom('refuse' as const, 'cut' as const, 'freeze' as const, 'heal' as const, 'heal' as const)
  .map((what) => command(`etcd: ${what}`, ({ cluster }) => cluster.etcdProxy[what]()));

const nginx = fc.constantFrom(
  command('reload', ({ cluster }) => cluster.gateway.container.exec(['nginx', '-s', 'reload'])),
  command('reload', ({ cluster }) => cluster.gateway.container.exec(['nginx', '-s', 'reload'])),
  command('reload', ({ cluster }) => cluster.gateway.container.exec(['nginx', '-s', 'reload'])),
  command('kill NGINX', async ({ cluster }) => {
    await cluster.gateway.container.kill();
    await cluster.gateway.container.start();
  }),
);

const watcher = fc.constantFrom(
  command('start', (world) => world.start()),
  command('start', (world) => world.start()),
  command('stop', (world) => world.endWatcher('stop')),
  command('kill', (world) => world.endWatcher('kill')),
);

const pass = fc.constantFrom(10, 50, 150, 400).map((ms) => command(`${ms} ms pass`, () => delay(ms)));

const anything: fc.Arbitrary<RealCommand> = fc.oneof(
  { weight: 10, arbitrary: register },
  { weight: 10, arbitrary: pass },
  {
    weight: 4,
    arbitrary: ofInstance('drain', (world, service, address) =>
      world.isRegistered(service, address) ? world.register(service, address, { drain: true }) : undefined,
    ),
  },
  { weight: 6, arbitrary: ofInstance('leave', (world, service, address) => world.leave(service, address)) },
  {
    weight: 1,
    arbitrary: ofInstance('spoil', (world, service, address) =>
      world.register(service, address, { weight: -1 }),
    ),
  },
  {
    weight: 2,
    arbitrary: ofInstance('maintain', (world, service, address) => world.maintain(service, address, true)),
  },
  {
    weight: 2,
    arbitrary: ofInstance('unmaintain', (world, service, address) => world.maintain(service, address, false)),
  },
  { weight: 5, arbitrary: fault },
  { weight: 3, arbitrary: etcd },
  { weight: 2, arbitrary: nginx },
  { weight: 3, arbitrary: watcher },
);

export const realHistories: fc.Arbitrary<RealCommand[]> = fc.array(anything, {
  minLength: 5,
  maxLength: 25,
  size: 'max',
});
