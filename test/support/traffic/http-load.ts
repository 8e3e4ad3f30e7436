/** Devices that fetch firmware through the gateway's public port, at a steady rate, and check what they get. */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { FIRMWARE, type FirmwareFile } from '../containers/index.js';
import type { Expectations } from './expectations.js';

const CONNECTIONS = 128;
const TICK_MS = 20;
const TIMEOUT_MS = 30_000;
/** Every so many requests one is for the large file, the others for the small one. */
const LARGE_EVERY = 50;
/** Downloads on slow links, always under way, so that a server which is drained has something to finish. */
const SLOW_DOWNLOADS = 6;
/** They begin one after the other, so that they do not end together. */
const SLOW_APART_MS = 650;

export interface HttpCounts {
  /** Requests that ended, as they should or not. */
  requests: number;
  bytes: number;
  /** Good answers by the server that gave them. */
  readonly servedBy: Map<string, number>;
  /** What went wrong and was not to be expected, by what it was. */
  readonly failures: Map<string, number>;
  /** Requests that failed because NGINX was down on purpose. */
  whileNginxDown: number;
  /** Downloads that broke off when their server was killed, and were completed with a range request. */
  resumed: number;
}

export interface HttpLoad {
  readonly counts: HttpCounts;
  failed(): number;
  start(): void;
  /** Starts no more requests and resolves when those under way have ended. */
  stop(): Promise<void>;
}

interface Download {
  server: string;
  received: number;
  complete: boolean;
}

class BadAnswer extends Error {}

function add(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

/** A load of `perSecond` requests a second on `url`, which runs once it is started. */
export function createHttpLoad(url: string, perSecond: number, expectations: Expectations): HttpLoad {
  const pool = new Pool(url, {
    connections: CONNECTIONS,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    connect: { timeout: TIMEOUT_MS },
  });
  const counts: HttpCounts = {
    requests: 0,
    bytes: 0,
    servedBy: new Map(),
    failures: new Map(),
    whileNginxDown: 0,
    resumed: 0,
  };
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;

  async function download(file: FirmwareFile, offset: number): Promise<Download> {
    const { statusCode, headers, body } = await pool.request({
      path: file.path,
      method: 'GET',
      headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
    });
    const expected = file.length - offset;
    if (statusCode !== (offset > 0 ? 206 : 200)) {
      await body.dump();
      throw new BadAnswer(`status ${statusCode}`);
    }
    if (Number(headers['content-length']) !== expected) {
      await body.dump();
      throw new BadAnswer('wrong content-length');
    }
    const server = String(headers['x-served-by']);
    let received = 0;
    try {
      for await (const chunk of body) received += (chunk as Buffer).length;
    } catch {
      // An answer that breaks off; what has arrived so far says from where to go on.
    }
    counts.bytes += received;
    return { server, received, complete: received === expected };
  }

  // A body cannot be sent by another server once it has begun, so this is the one thing the gateway cannot make good.
  async function downloadAll(file: FirmwareFile): Promise<string> {
    const first = await download(file, 0);
    if (first.complete) return first.server;
    if (!expectations.killed.has(first.server)) throw new BadAnswer('body broken off');
    counts.resumed += 1;
    const rest = await download(file, first.received);
    if (!rest.complete) throw new BadAnswer('body broken off twice');
    return rest.server;
  }

  async function fetchOne(file: FirmwareFile): Promise<void> {
    const startedWhileDown = expectations.nginxIsDown;
    try {
      add(counts.servedBy, await downloadAll(file));
    } catch (error) {
      if (startedWhileDown || expectations.nginxIsDown) counts.whileNginxDown += 1;
      else add(counts.failures, (error as Error).message);
    }
    counts.requests += 1;
  }

  function track(work: Promise<void>): void {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  }

  async function pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: stopping.signal }).catch(() => {});
  }

  async function fetchSlowly(first: number): Promise<void> {
    await pause(first * SLOW_APART_MS);
    while (!stopping.signal.aborted) {
      await fetchOne(FIRMWARE.slow);
      // While nothing answers, a failure follows the other at once.
      await pause(TICK_MS);
    }
  }

  function start(): void {
    const begun = performance.now();
    let launched = 0;
    timer = setInterval(() => {
      const due = ((performance.now() - begun) / 1000) * perSecond;
      for (; launched < due; launched += 1) {
        if (underWay.size < CONNECTIONS) {
          track(fetchOne(launched % LARGE_EVERY === 0 ? FIRMWARE.large : FIRMWARE.small));
        }
      }
    }, TICK_MS);
    for (let slow = 0; slow < SLOW_DOWNLOADS; slow += 1) track(fetchSlowly(slow));
  }

  return {
    counts,
    failed: () => [...counts.failures.values()].reduce((sum, value) => sum + value, 0),
    start,
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await Promise.all(underWay);
      await pool.close();
    },
  };
}
