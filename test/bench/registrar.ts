/**
 * Measures a registrar process with many services on a real etcd: how long until all are registered, memory, CPU, leases
 * and keep-alive streams, and how long it takes to end. `npm run bench:registrar [-- --services 500 --seconds 60]`
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Etcd, startEtcd, startNetwork } from '../support/containers/index.js';
import { becomeOwner, removeOwned, removeOwnedOnExit } from '../support/containers/owner.js';
import { openStreams } from '../support/registrar/open-streams.js';

const { values } = parseArgs({
  options: { services: { type: 'string', default: '500' }, seconds: { type: 'string', default: '60' } },
});

process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
becomeOwner();
removeOwnedOnExit();

type Child = ChildProcessByStdio<null, Readable, null>;

interface Usage {
  readonly rss: number;
  readonly heapUsed: number;
  readonly cpuMs: number;
  readonly upMs: number;
}

function start(etcd: Etcd): Child {
  const script = fileURLToPath(new URL('../support/registrar/process.ts', import.meta.url));
  const args = ['--import', 'tsx', script, etcd.url, '15000', values.services];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function usageOf(child: Child): Promise<Usage> {
  child.kill('SIGUSR2');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return JSON.parse(line.toString()) as Usage;
}

async function main(): Promise<void> {
  const etcd = await startEtcd(await startNetwork('sidekick-bench'));
  const began = performance.now();
  const child = start(etcd);
  await once(child.stdout, 'data');
  const ready = performance.now() - began;
  // The start is not the steady state.
  await delay(10_000);
  const before = await usageOf(child);
  let streams = 0;
  const until = performance.now() + Number(values.seconds) * 1000;
  while (performance.now() < until) {
    streams = Math.max(streams, await openStreams(etcd, 'LeaseKeepAlive'));
    await delay(250);
  }
  const after = await usageOf(child);
  const leases = (await etcd.ctl('lease', 'list')).trim().split('\n').length - 1;
  const keys = (await etcd.list('/services/')).size;
  const stopping = performance.now();
  child.kill('SIGTERM');
  await once(child, 'exit');

  console.log(`services in etcd          ${keys}`);
  console.log(`start to all registered   ${ready.toFixed(0)} ms, with the start of Node.js and tsx`);
  console.log(`resident memory           ${(after.rss / 2 ** 20).toFixed(1)} MiB`);
  console.log(`heap                      ${(after.heapUsed / 2 ** 20).toFixed(1)} MiB`);
  const load = (after.cpuMs - before.cpuMs) / (after.upMs - before.upMs);
  console.log(`CPU, over ${values.seconds} s           ${(100 * load).toFixed(2)} % of one core`);
  console.log(`leases                    ${leases}`);
  console.log(`keep-alive streams        at most ${streams} at a time`);
  console.log(`SIGTERM to exit           ${(performance.now() - stopping).toFixed(0)} ms, with no watcher`);
  await removeOwned();
}

await main();
