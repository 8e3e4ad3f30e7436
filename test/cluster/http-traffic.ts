/** Devices that fetch firmware through the load balancer, and check every answer. */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { FIRMWARE, type FirmwareFile } from '../support/containers/backends.js';

const CONNECTIONS = 64;
const TICK_MS = 20;
const TIMEOUT_MS = 15_000;
/** Downloads on slow links, always under way, so that a server which is drained has something to finish. */
const SLOW_DOWNLOADS = 6;

/** A request that went wrong. */
interface Failure {
  /** When it was begun, in ms of `performance.now()`. */
  readonly begun: number;
  readonly reason: string;
}

/** When a request was begun and when its answer was, in ms of `performance.now()`, and who gave it. */
interface Answer {
  readonly server: string;
  readonly begun: number;
  readonly answered: number;
}

export class HttpTraffic {
  requests = 0;
  readonly failures: Failure[] = [];
  readonly #answers: Answer[] = [];
  /** The slow downloads that have begun to arrive, with their servers and since when. */
  readonly #downloads = new Map<symbol, { readonly server: string; readonly since: number }>();
  readonly #pool: Pool;
  readonly #underWay = new Set<Promise<void>>();
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(url: string) {
    this.#pool = new Pool(url, {
      connections: CONNECTIONS,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      connect: { timeout: TIMEOUT_MS },
    });
  }

  start(perSecond: number): void {
    const begun = performance.now();
    let launched = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - begun) / 1000) * perSecond;
      for (; launched < due; launched += 1) {
        if (this.#underWay.size < CONNECTIONS) this.#track(this.#fetch(FIRMWARE.small));
      }
    }, TICK_MS);
    for (let i = 0; i < SLOW_DOWNLOADS; i += 1) this.#track(this.#fetchSlowly(i));
  }

  /** The failures of requests that were begun at `from` (ms of `performance.now()`) or later. */
  failuresSince(from: number): Failure[] {
    return this.failures.filter(({ begun }) => begun >= from);
  }

  /** Whether this server has begun an answer since `from`. */
  servedSince(server: string, from: number): boolean {
    return this.#answers.some((answer) => answer.server === server && answer.answered >= from);
  }

  /** How many requests that were begun in this time a server has answered, be it later. */
  servedOf(server: string, from: number, to: number): number {
    return this.#answers.filter((it) => it.server === server && it.begun >= from && it.begun < to).length;
  }

  /** Whether this server has just begun to send a slow download, so that it has one for a while. */
  isSending(server: string): boolean {
    const now = performance.now();
    return [...this.#downloads.values()].some((it) => it.server === server && now - it.since < 1_000);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    await this.#pool.close();
  }

  /** Resolves when everything that was begun before now has ended. */
  async settle(): Promise<void> {
    await Promise.race([Promise.allSettled([...this.#fetches]), delay(2 * TIMEOUT_MS)]);
  }

  readonly #fetches = new Set<Promise<void>>();

  #track(work: Promise<void>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  async #fetchSlowly(first: number): Promise<void> {
    await delay(first * 650);
    while (!this.#stopped) {
      await this.#fetch(FIRMWARE.slow);
      await delay(TICK_MS);
    }
  }

  #fetch(file: FirmwareFile): Promise<void> {
    const work = this.#fetchOne(file);
    this.#fetches.add(work);
    void work.finally(() => this.#fetches.delete(work));
    return work;
  }

  async #fetchOne(file: FirmwareFile): Promise<void> {
    const begun = performance.now();
    const download = Symbol(file.path);
    this.requests += 1;
    try {
      // A connection each, as devices have them. One that is kept open may be closed by a reload of NGINX just when the next
      // request is on its way, which a client has to repeat then (RFC 9112, section 9.3.1).
      const request = { path: file.path, method: 'GET', reset: true } as const;
      const { statusCode, headers, body } = await this.#pool.request(request);
      const [server, answered] = [String(headers['x-served-by']), performance.now()];
      this.#answers.push({ server, begun, answered });
      if (file === FIRMWARE.slow) this.#downloads.set(download, { server, since: answered });
      let received = 0;
      for await (const chunk of body) received += (chunk as Buffer).length;
      if (statusCode !== 200) throw new Error(`status ${statusCode}`);
      if (received !== file.length) throw new Error(`${received} bytes of ${file.length}`);
    } catch (error) {
      this.failures.push({ begun, reason: `${file.path}: ${(error as Error).message}` });
    } finally {
      this.#downloads.delete(download);
    }
  }
}
