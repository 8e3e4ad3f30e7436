/**
 * A registrar that was taken over, as a process: `rogue.ts ENDPOINT USER PASSWORD SERVICE RATE` writes whatever comes to its mind
 * under `/services/SERVICE/`, RATE times a second, and tries to write elsewhere, until it is told to stop (SIGTERM). Then
 * it prints what came of it, as JSON. Every value and key is of a kind that has done harm, or might.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { connectEtcd } from '../../src/adapters/etcd/connect.js';

/** What a rogue did, and what etcd said to it. */
export interface RogueReport {
  /** Writes that etcd took. */
  readonly written: number;
  /** Writes to others' keys that etcd took, and those that it refused; one that it did not answer is neither. */
  readonly trespassed: number;
  readonly denied: number;
  /** Its own writes that failed for any reason. */
  readonly failed: number;
  readonly seconds: number;
}

const TICK_MS = 20;
/** More than these are not under way at a time: etcd is to be kept busy, not to be stopped. */
const MOST_UNDER_WAY = 200;

const [endpoint = '', username = '', password = '', service = '', rate = '1000'] = process.argv.slice(2);
const own = `/services/${service}/`;
const stop = new AbortController();
setMaxListeners(0, stop.signal);
const etcd = connectEtcd({ endpoints: [endpoint], auth: { username, password } });

const deep = `{"weight":${'['.repeat(8_000)}${']'.repeat(8_000)}}`;
const valid = (n: number) => `${own}10.9.${(n >> 8) % 2}.${n % 256}:80`;

/** The n-th write: seven in ten are registrations, since these cost the most. */
function nextWrite(n: number): readonly [key: string, value: string] {
  switch (n % 10) {
    case 0:
      return [valid(n), deep];
    case 1:
      return [valid(n), `{"meta":{"x":"${'x'.repeat(20_000)}"}}`];
    case 2:
      return [`${own}\u001b]0;${n % 64}\u0007\n\u202e:80`, '{"weight": 5,}'];
    case 3:
      return [valid(n), '{"drain":true}'];
    default:
      return [valid(n), `{"weight":${(n % 100) + 1}}`];
  }
}

const TRESPASSES = [
  '/services/firmware/10.9.9.9:80',
  '/services/mqtt/10.9.9.9:1883',
  '/sidekick/maintenance/firmware/10.0.0.1:8080',
  '/sidekick/watchers/rogue',
  `/sidekick/drained/${service}/10.9.0.1:80/lb1`,
];

const count = { written: 0, trespassed: 0, denied: 0, failed: 0 };
let underWay = 0;
let n = 0;

async function write(key: string, value: string): Promise<void> {
  underWay++;
  try {
    if (n % 17 === 0) await etcd.store.remove(key, {}, stop.signal);
    else await etcd.store.put(key, value, {}, stop.signal);
    count.written++;
  } catch {
    if (!stop.signal.aborted) count.failed++;
  } finally {
    underWay--;
  }
}

async function trespass(key: string): Promise<void> {
  try {
    await etcd.store.put(key, '{}', {}, stop.signal);
    count.trespassed++;
  } catch (error) {
    if ((error as { code?: string }).code === 'DENIED') count.denied++;
  }
}

process.once('SIGTERM', () => stop.abort());
await write(...nextWrite(n++));
process.send?.('writing');
const begun = performance.now();
const writes: Promise<void>[] = [];
let due = 0;
while (!stop.signal.aborted) {
  due = Math.min(due + (Number(rate) * TICK_MS) / 1000, MOST_UNDER_WAY);
  for (; due >= 1 && underWay < MOST_UNDER_WAY; due--) void write(...nextWrite(n++));
  if (n % 500 < 20) writes.push(trespass(TRESPASSES[writes.length % TRESPASSES.length] as string));
  await delay(TICK_MS, undefined, { signal: stop.signal }).catch(() => {});
}
await Promise.all(writes);
const report: RogueReport = { ...count, seconds: (performance.now() - begun) / 1000 };
process.stdout.write(`${JSON.stringify(report)}\n`);
etcd.close();
process.disconnect?.();
