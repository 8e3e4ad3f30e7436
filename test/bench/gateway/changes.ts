/** What requests wait while the servers of another group change. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HEADERS, insideAsync } from './container.js';

/** How requests fared meanwhile: their times in ms, and the changes that were answered in a second. */
export interface Disturbance {
  name: string;
  p50: number;
  p99: number;
  changes: number;
}

/** A time as wrk prints it, in ms. */
function milliseconds(text: string): number {
  const [, amount, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  return Number(amount) * ({ us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit ?? 'ms'] as number);
}

/** Times of requests at a rate that leaves the cores some rest: what is measured is waiting, not the queue of a full machine. */
async function latency(seconds: number): Promise<{ p50: number; p99: number }> {
  const output = await insideAsync(`wrk -t1 -c4 -d${seconds}s --latency http://127.0.0.1:80/`);
  if (/Non-2xx/.test(output)) throw new Error(`failed requests\n${output}`);
  const of = (share: number) =>
    milliseconds(new RegExp(`^\\s+${share}%\\s+(\\S+)$`, 'm').exec(output)?.[1] ?? '');
  return { p50: of(50), p99: of(99) };
}

/** Changes the weights of a group's servers, one after the other, until it is told to stop. */
async function client(base: string, ids: number[], pause: number, stop: AbortSignal): Promise<number> {
  let changes = 0;
  for (let i = 0; !stop.aborted; i++) {
    const answer = await fetch(`${base}/${ids[i % ids.length]}`, {
      method: 'PATCH',
      headers: HEADERS,
      body: JSON.stringify({ weight: 1 + (i % 9) }),
    });
    if (answer.status !== 200) throw new Error(`PATCH: ${await answer.text()}`);
    await answer.arrayBuffer();
    changes++;
    if (pause > 0) await sleep(pause);
  }
  return changes;
}

/** Measures requests of one group while `clients` change another, each `pause` ms after its last change was answered. */
export async function disturbance(
  name: string,
  base: string,
  clients: number,
  pause: number,
  seconds: number,
): Promise<Disturbance> {
  const ids = ((await (await fetch(base)).json()) as { id: number }[]).map(({ id }) => id);
  const stop = new AbortController();
  const running = Array.from({ length: clients }, (_, i) =>
    client(
      base,
      ids.filter((_, at) => at % clients === i),
      pause,
      stop.signal,
    ),
  );
  const times = await latency(seconds);
  stop.abort();
  const changes = (await Promise.all(running)).reduce((sum, count) => sum + count, 0);
  return { name, ...times, changes: changes / seconds };
}

/** Prints what {@link disturbance} found. */
export function printDisturbances(title: string, found: Disturbance[]): void {
  console.log(`\n${title}`);
  console.log(`  ${'meanwhile'.padEnd(58)}${'p50'.padStart(9)}${'p99'.padStart(12)}   changes/s`);
  for (const { name, p50, p99, changes } of found)
    console.log(
      `  ${name.padEnd(58)}${p50.toFixed(2).padStart(6)} ms${p99.toFixed(2).padStart(9)} ms${changes.toFixed(0).padStart(12)}`,
    );
}
