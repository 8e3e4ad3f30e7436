/**
 * Simulated sidekicks, many in one process: `fleet-process.ts ETCD COUNT CONNECTIONS`. Each has a lease of its own with a
 * key, and renews it every third of its time on a stream of its own, as `sidekick register` does. They share connections,
 * since as many TCP connections as sidekicks would measure this process.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';
import { now } from '../clock.js';
import type { FleetReport, FleetRequest } from './fleet-messages.js';
import { insist, unlessLeaseIsGone } from './insist.js';
import { instanceOf, keyOf } from './layout.js';

const TTL_SECONDS = 15;
const LAYOUT = { groups: 20, servers: 0 };

const [, , endpoint = '', count = '0', connections = '1'] = process.argv;
let renewals = 0;
let failures = 0;
let refusals = 0;

const refused = () => {
  refusals++;
};

class SimulatedSidekick {
  readonly #client: Etcd3;
  readonly #key: string;
  #lease: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Etcd3, key: string) {
    this.#client = client;
    this.#key = key;
  }

  /** Resolves with the time it took, in ms. A lease that ends while etcd is overloaded is replaced, as sidekick does. */
  async register(): Promise<number> {
    const began = now();
    let ID: string | undefined;
    do ID = await this.#putUnderNewLease();
    while (ID === undefined);
    const lease = ID;
    this.#lease = lease;
    this.#timer = setInterval(() => void this.#renew(lease), (TTL_SECONDS * 1_000) / 3);
    return now() - began;
  }

  /** Undefined where the lease has ended before its key was there. */
  async #putUnderNewLease(): Promise<string | undefined> {
    const { ID } = await insist(() => this.#client.leaseClient.leaseGrant({ TTL: TTL_SECONDS }), refused);
    const isPut = await unlessLeaseIsGone(() =>
      insist(() => this.#client.put(this.#key).value('{}').lease(ID).exec(), refused),
    );
    return isPut ? ID : undefined;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const ID = this.#lease;
    if (ID === undefined) return;
    // One that timed out may have been made.
    await unlessLeaseIsGone(() => insist(() => this.#client.leaseClient.leaseRevoke({ ID }), refused));
  }

  async #renew(lease: string): Promise<void> {
    try {
      const stream = await this.#client.leaseClient.leaseKeepAlive();
      const ttl = await new Promise<number>((resolve, reject) => {
        stream.on('data', (answer) => {
          resolve(Number(answer.TTL));
          stream.end();
        });
        stream.on('error', reject);
        stream.write({ ID: lease });
      });
      if (ttl > 0) renewals++;
      else failures++;
    } catch {
      failures++;
    }
  }
}

const clients = Array.from(
  { length: Number(connections) },
  () =>
    // A refusal is no reason to refuse the other calls over the same connection, as a circuit breaker would.
    new Etcd3({ hosts: endpoint, faultHandling: { global: noop, host: () => noop } }),
);
const fleet = Array.from(
  { length: Number(count) },
  (_, nth) => new SimulatedSidekick(clients[nth % clients.length] as Etcd3, keyOf(instanceOf(LAYOUT, nth))),
);
let registrations: readonly number[] = [];

/** Resolves when all are registered. */
async function startAll(spread: number): Promise<void> {
  registrations = await Promise.all(
    fleet.map(async (sidekick) => {
      await delay(Math.random() * spread);
      await sidekick.stop();
      return sidekick.register();
    }),
  );
}

function report(): FleetReport {
  return { renewals, failures, refusals, registrations };
}

async function answer(request: FleetRequest): Promise<FleetReport> {
  if (request.kind === 'restart') await startAll(request.spread);
  return report();
}

process.on('message', (request: FleetRequest) => {
  void answer(request).then((reply) => process.send?.(reply));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
