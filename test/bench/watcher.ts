/**
 * Measures a watcher with 10,000 servers in 20 upstream groups, between a real etcd and the NGINX Plus API in another
 * process: cold sync, steady state, and a storm of 1,000 changes in a second. `npm run bench:watcher [-- --steady 60]`
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectEtcd } from '../../src/adapters/etcd/connect.js';
import { createNginxApi } from '../../src/adapters/nginx/api.js';
import { Watcher } from '../../src/daemon/watcher/watcher.js';
import { startEtcd, startNetwork } from '../support/containers/index.js';
import { recordingMeter } from '../support/silent.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { OPTIONS } from '../support/watching.js';

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '20' },
    servers: { type: 'string', default: '500' },
    steady: { type: 'string', default: '60' },
  },
});
const SERVICES = Array.from({ length: Number(values.services) }, (_, i) => `service-${i}`);
const PER_SERVICE = Number(values.servers);
const STORM = 1_000;
const SIGNAL = new AbortController().signal;
setMaxListeners(0, SIGNAL);

interface ApiReport {
  readonly servers: number;
  readonly requests: Readonly<Record<string, number>>;
}

function key(service: string, server: number): string {
  return `/services/${service}/10.${server >> 16}.${(server >> 8) & 255}.${server & 255}:8080`;
}

async function ask(api: ChildProcess): Promise<ApiReport> {
  api.send('report');
  const [report] = (await once(api, 'message')) as [ApiReport];
  return report;
}

/** Runs tasks with so many at a time. */
async function inParallel<T>(
  limit: number,
  items: readonly T[],
  task: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: limit }, async () => {
      for (const item of queue) await task(item);
    }),
  );
}

const groups = {
  http: SERVICES.filter((_, i) => i % 2 === 0),
  stream: SERVICES.filter((_, i) => i % 2 === 1),
};
const network = await startNetwork();
const etcd = await startEtcd(network);
const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(new URL(etcd.url).port) });
const writer = connectEtcd({ endpoints: [etcd.url] });
const api = fork(new URL('./api-process.ts', import.meta.url), [JSON.stringify(groups)], {
  execArgv: ['--import', 'tsx'],
});
const [{ url }] = (await once(api, 'message')) as [{ url: string }];

const total = SERVICES.length * PER_SERVICE;
console.log(`registering ${total} servers in ${SERVICES.length} services`);
const keys = SERVICES.flatMap((service) => Array.from({ length: PER_SERVICE }, (_, i) => key(service, i)));
await inParallel(64, keys, (each) => writer.store.put(each, '{"weight":1}', {}, SIGNAL));

const connection = connectEtcd({ endpoints: [proxy.address] });
const nginx = createNginxApi({ name: 'bench', url });
let changes = 0;
const count = () => changes++;
const quiet = { debug: count, info: count, warn: console.log, error: console.log };
const stop = new AbortController();
const lag = monitorEventLoopDelay({ resolution: 5 });

/** Runs something and prints what it cost. */
async function measure(
  name: string,
  until: () => Promise<boolean>,
  begin: () => Promise<void> | void,
): Promise<void> {
  globalThis.gc?.();
  const before = { report: await ask(api), bytes: { ...proxy.bytes }, cpu: process.cpuUsage() };
  lag.reset();
  lag.enable();
  const started = performance.now();
  await begin();
  while (!(await until())) await delay(100);
  const seconds = (performance.now() - started) / 1000;
  lag.disable();
  const after = await ask(api);
  const cpu = process.cpuUsage(before.cpu);
  const requests = Object.entries(after.requests).map(
    ([method, made]) => `${method} ${made - (before.report.requests[method] ?? 0)}`,
  );
  console.log(
    [
      `${name}: ${seconds.toFixed(2)} s`,
      `servers in NGINX ${after.servers}`,
      `NGINX calls: ${requests.join(', ')}`,
      `etcd bytes read ${proxy.bytes.down - before.bytes.down}, written ${proxy.bytes.up - before.bytes.up}`,
      `CPU ${((cpu.user + cpu.system) / 1e6).toFixed(2)} s`,
      `RSS ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB, heap ${(process.memoryUsage().heapUsed / 1e6).toFixed(0)} MB`,
      `event-loop delay p50 ${ms(lag.percentile(50))}, p99 ${ms(lag.percentile(99))}, max ${ms(lag.max)}`,
    ].join('\n  '),
  );
}

function ms(nanoseconds: number): string {
  return `${(nanoseconds / 1e6).toFixed(1)} ms`;
}

const watcher = new Watcher(OPTIONS, {
  ...connection,
  nginx: [nginx],
  log: quiet,
  meter: recordingMeter(),
  clock: () => performance.now(),
  wallClock: Date.now,
});
let running: Promise<void> = Promise.resolve();

await measure(
  'cold sync',
  async () => watcher.ready,
  () => {
    running = watcher.run(stop.signal);
  },
);

const seconds = Number(values.steady);
const end = Date.now() + seconds * 1000;
await measure(
  `steady state over ${seconds} s`,
  async () => Date.now() >= end,
  () => {},
);

// Half of them other weights, a quarter new servers, a quarter drains; over one second.
const storm = Array.from({ length: STORM }, (_, i) => {
  const service = SERVICES[i % SERVICES.length] ?? '';
  const nth = Math.floor(i / SERVICES.length);
  if (i % 4 < 2) return [key(service, nth), '{"weight":2}'] as const;
  if (i % 4 === 2) return [key(service, PER_SERVICE + nth), '{"weight":1}'] as const;
  return [key(service, PER_SERVICE - 1 - nth), '{"weight":1,"drain":true}'] as const;
});
const expected = total + STORM / 4 - STORM / 4;
await measure(
  `storm of ${STORM} changes`,
  async () => changes >= STORM && isSettled() && (await ask(api)).servers === expected,
  async () => {
    changes = 0;
    for (let slice = 0; slice < 10; slice++) {
      const part = storm.slice((slice * STORM) / 10, ((slice + 1) * STORM) / 10);
      await Promise.all([
        inParallel(16, part, ([each, value]) => writer.store.put(each, value, {}, SIGNAL)),
        delay(100),
      ]);
    }
  },
);

function isSettled(): boolean {
  const upstreams = watcher.status().nginx.flatMap((each) => each.upstreams);
  return upstreams.every(({ matched, servers }) => matched && servers.every(({ state }) => state === 'up'));
}

stop.abort();
await running;
connection.close();
writer.close();
await nginx.close();
api.disconnect();
await proxy.close();
await network.remove();
