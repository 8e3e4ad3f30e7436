/**
 * Measures how long a new key of one service takes into NGINX while another service has thousands of instances that
 * answer nothing: `npx tsx test/bench/crowd.ts [--keys 9000] [--rounds 15]`. Needs Docker. The watcher runs in this process, with
 * its default limits and the gateway's default probes; etcd and the gateway are real.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectEtcd } from '../../src/adapters/etcd/connect.js';
import { createProbe } from '../../src/adapters/probes/create-probe.js';
import { DEFAULT_GUARD } from '../../src/core/guard.js';
import { RealCluster, RealWatcher } from '../support/real-watching.js';

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '9000' }, rounds: { type: 'string', default: '15' } },
});
const KEYS = Number(values.keys);
const ROUNDS = Number(values.rounds);
const SIGNAL = new AbortController().signal;
/** Documentation addresses (RFC 5737): a SYN to one of them is lost, or nobody is there to answer it. */
const SILENT = '198.51.100.7';
const BACKEND = { kind: 'http', name: 'backend' } as const;

await using cluster = await RealCluster.start();
const lag = monitorEventLoopDelay({ resolution: 5 });
await using watcher = RealWatcher.of(
  cluster,
  { guard: DEFAULT_GUARD },
  {
    healthCheck: ({ address }) => ({
      probe: createProbe({ type: 'tcp', target: address }),
      policy: { interval: 2_000, timeout: 1_000, rise: 2, fall: 2 },
    }),
  },
);
await watcher.isReady();
const etcd = connectEtcd({ endpoints: [cluster.etcd.url] });
const put = (key: string) => etcd.store.put(key, '{}', {}, SIGNAL);

/** How long each of some new keys takes until NGINX has it, in ms; in order of size. */
async function newKeys(from: number): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const address = `198.51.100.${from + i}:80`;
    const started = performance.now();
    await put(`/services/backend/${address}`);
    for (;;) {
      const servers = await cluster.servers(BACKEND);
      if (servers.some((server) => server.address === address)) break;
      await delay(2);
    }
    took.push(performance.now() - started);
    await delay(300);
  }
  return took.sort((a, b) => a - b);
}

function report(name: string, took: readonly number[]): void {
  const at = (share: number) => (took[Math.floor((took.length - 1) * share)] ?? Number.NaN).toFixed(0);
  const longest = (lag.max / 1e6).toFixed(0);
  console.log(
    `${name}: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, longest ${at(1)} ms; event loop held at most ${longest} ms`,
  );
  lag.reset();
}

lag.enable();
report('usually', await newKeys(20));

const started = performance.now();
const ports = Array.from({ length: KEYS }, (_, i) => i + 1).values();
const write = async () => {
  for (const port of ports) await put(`/services/firmware/${SILENT}:${port}`);
};
const writing = Promise.all(Array.from({ length: 50 }, write));
report(`while ${KEYS} keys of another service are written`, await newKeys(60));
await writing;
console.log(`  written after ${((performance.now() - started) / 1000).toFixed(1)} s`);
report('while they are there and answer nothing', await newKeys(100));
const { services } = watcher.watcher.status();
console.log(JSON.stringify(services));
etcd.close();
