/** A firmware server that ends, in three ways, under load through the gateway: what its users notice. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Backend,
  FIRMWARE,
  type Gateway,
  type Sidekick,
  startEtcd,
  startFirmware,
  startGateway,
  startNetwork,
  startRegister,
  startWatch,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { now } from '../clock.js';
import { HttpLoad } from '../host/http-load.js';
import { type Part, roundsOf, secondsOf } from '../part.js';
import type { Row } from '../report/report.js';
import { largest, medianOf } from '../stats.js';

/** One for each way to end, and two that stay. */
const SERVERS = 5;
const RATE = 100;
const ROUNDS = 2;
/** How long users are watched after a server has begun to end, s: as long as its lease lives. */
const SECONDS = 15;
/** How long five sidekicks may take to start on a busy machine, ms. */
const START = { timeoutMs: 180_000 };

interface Host {
  readonly backend: Backend;
  readonly sidekick: Sidekick;
}

/** Ways to end. Each resolves when the host is gone. */
const ENDS: Readonly<Record<string, (host: Host) => Promise<unknown>>> = {
  'killed, with its sidekick': ({ backend, sidekick }) =>
    Promise.all([backend.container.kill(), sidekick.container.kill()]),
  'vanished from the network': ({ backend }) => backend.container.vanish(),
  'stopped in good order': async ({ backend, sidekick }) => {
    await sidekick.container.stop();
    await backend.container.stop();
  },
};

interface Noticed {
  /** From the start of the end to the last request sent that failed, ms; 0 where none did. */
  readonly lastError: number;
  readonly lost: number;
  /** The slowest request, ms. */
  readonly slowest: number;
}

async function startHost(
  network: TestNetwork,
  etcd: Awaited<ReturnType<typeof startEtcd>>,
  nth: number,
): Promise<Host> {
  const backend = await startFirmware(network, nth);
  return { backend, sidekick: await startRegister(network, etcd, backend) };
}

async function hasServers(gateway: Gateway, count: number): Promise<boolean> {
  const servers = await gateway.servers('http', 'firmware');
  return servers.length === count && servers.every(({ down, drain }) => !down && !drain);
}

async function noticed(
  load: HttpLoad,
  host: Host,
  end: (host: Host) => Promise<unknown>,
  seconds: number,
): Promise<Noticed> {
  load.take();
  const began = now();
  await end(host);
  await delay(began + seconds * 1_000 - now());
  const { failures, slowest } = load.take();
  return {
    lastError: largest([0, ...failures.map(({ sentAt }) => sentAt - began)]),
    lost: failures.length,
    slowest,
  };
}

/** Lets one host after the other end. */
async function endAll(
  say: (message: string) => void,
  seconds: number,
): Promise<ReadonlyMap<string, Noticed>> {
  await using network = await startNetwork('sidekick-bench');
  const [etcd, gateway] = await Promise.all([startEtcd(network), startGateway(network)]);
  await startWatch(network, etcd, gateway);
  const hosts = await Promise.all(
    Array.from({ length: SERVERS }, (_, nth) => startHost(network, etcd, nth + 1)),
  );
  await until('every firmware server is in NGINX', () => hasServers(gateway, SERVERS), START);
  await using load = new HttpLoad(`${gateway.httpUrl}${FIRMWARE.small.path}`, RATE);
  const found = new Map<string, Noticed>();
  for (const [nth, [how, end]] of Object.entries(ENDS).entries()) {
    say(`a server is ${how}`);
    found.set(how, await noticed(load, hosts[nth] as Host, end, seconds));
  }
  return found;
}

export const failover: Part = {
  name: 'failover',
  title: `A server ends, of five behind the gateway, at ${RATE} requests a second`,
  async run(bench) {
    const rounds: ReadonlyMap<string, Noticed>[] = [];
    const count = roundsOf(bench, ROUNDS);
    while (rounds.length < count) {
      bench.say(`round ${rounds.length + 1} of ${count}`);
      rounds.push(await endAll(bench.say, secondsOf(bench, SECONDS)));
    }
    const rows = Object.keys(ENDS).flatMap((how): Row[] => {
      const each = rounds.map((round) => round.get(how)).filter((found) => found !== undefined);
      const rowOf = (what: string, unit: Row['unit'], read: (found: Noticed) => number): Row => ({
        work: `${how}: ${what}`,
        unit,
        figures: { sidekick: medianOf(each.map(read)) },
        headline: unit !== 'ms' || what === 'time to the last error',
      });
      return [
        rowOf('time to the last error', 'ms', ({ lastError }) => lastError),
        rowOf('requests lost', '', ({ lost }) => lost),
        rowOf('slowest request', 'ms', ({ slowest }) => slowest),
      ];
    });
    return { rows };
  },
};
