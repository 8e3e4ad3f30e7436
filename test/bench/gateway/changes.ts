/** How long requests take while clients of the API change or read the servers of another group. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HEADERS, insideAsync } from './container.js';

/** The times of requests meanwhile, in ms, and the API's responses per second. */
export interface Disturbance {
  name: string;
  p50: number;
  p99: number;
  calls: number;
}

/** A time as wrk prints it, in ms. */
function milliseconds(text: string): number {
  const [, amount, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? [];
  return Number(amount) * ({ us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit ?? 'ms'] as number);
}

/** Times of requests at a rate that leaves the cores idle now and then, so that waiting is measured and not a full machine's queue. */
async function latency(seconds: number): Promise<{ p50: number; p99: number }> {
  const output = await insideAsync(`wrk -t1 -c4 -d${seconds}s --latency http://127.0.0.1:80/`);
  if (/Non-2xx/.test(output)) throw new Error(`failed requests\n${output}`);
  const of = (share: number) =>
    milliseconds(new RegExp(`^\\s+${share}%\\s+(\\S+)$`, 'm').exec(output)?.[1] ?? '');
  return { p50: of(50), p99: of(99) };
}

/** Clients of the API that send one request after the other. */
export interface Load {
  name: string;
  /** The servers that they change or read, as a path of the API. */
  servers: string;
  clients: number;
  /** `PATCH` changes a server's weight. `GET` reads a server: the control, which costs as much apart from the change. */
  method: 'PATCH' | 'GET';
  /** Time between a response and the next request of a client, in ms. */
  pause: number;
}

/** Sends requests about some servers until it is told to stop. Returns how many. */
async function client(load: Load, ids: number[], stop: AbortSignal): Promise<number> {
  let requests = 0;
  for (let i = 0; !stop.aborted; i++) {
    const answer = await fetch(`${load.servers}/${ids[i % ids.length]}`, {
      method: load.method,
      headers: HEADERS,
      ...(load.method === 'PATCH' && { body: JSON.stringify({ weight: 1 + (i % 9) }) }),
    });
    if (answer.status !== 200) throw new Error(`${load.method}: ${await answer.text()}`);
    await answer.arrayBuffer();
    requests++;
    if (load.pause > 0) await sleep(load.pause);
  }
  return requests;
}

/** Measures requests of one group while clients of the API are busy with another. */
export async function disturbance(load: Load, seconds: number): Promise<Disturbance> {
  const ids = ((await (await fetch(load.servers)).json()) as { id: number }[]).map(({ id }) => id);
  const stop = new AbortController();
  const running = Array.from({ length: load.clients }, (_, i) =>
    client(
      load,
      ids.filter((_, at) => at % load.clients === i),
      stop.signal,
    ),
  );
  const times = await latency(seconds);
  stop.abort();
  const calls = (await Promise.all(running)).reduce((sum, count) => sum + count, 0);
  return { name: load.name, ...times, calls: calls / seconds };
}

/** Prints what {@link disturbance} found. */
export function printDisturbances(title: string, found: Disturbance[]): void {
  console.log(`\n${title}`);
  console.log(`  ${'meanwhile'.padEnd(58)}${'p50'.padStart(9)}${'p99'.padStart(12)}   API calls/s`);
  for (const { name, p50, p99, calls } of found)
    console.log(
      `  ${name.padEnd(58)}${p50.toFixed(2).padStart(6)} ms${p99.toFixed(2).padStart(9)} ms${calls.toFixed(0).padStart(12)}`,
    );
}
