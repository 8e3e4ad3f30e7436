/** Requests at a steady rate, and which of them failed. */
import { Agent, type Dispatcher, request } from 'undici';
import { now } from '../clock.js';

const TIMEOUT = 10_000;

interface Failure {
  /** When the request was sent, in ms by the machine's monotonic clock. */
  readonly sentAt: number;
  readonly reason: string;
}

export class HttpLoad implements AsyncDisposable {
  readonly #url: string;
  readonly #agent: Dispatcher = new Agent({ headersTimeout: TIMEOUT, bodyTimeout: TIMEOUT });
  readonly #timer: NodeJS.Timeout;
  readonly #underWay = new Set<Promise<void>>();
  #failures: Failure[] = [];
  #slowest = 0;
  #sent = 0;

  /** GETs `url` so many times a second, until it is disposed of. */
  constructor(url: string, perSecond: number) {
    this.#url = url;
    this.#timer = setInterval(() => this.#send(), 1_000 / perSecond);
  }

  /** What failed since the last call, how long the slowest request took in ms, and how many were sent. */
  take(): { readonly failures: readonly Failure[]; readonly slowest: number; readonly sent: number } {
    const taken = { failures: this.#failures, slowest: this.#slowest, sent: this.#sent };
    [this.#failures, this.#slowest, this.#sent] = [[], 0, 0];
    return taken;
  }

  #send(): void {
    this.#sent++;
    const work = this.#get(now());
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  async #get(sentAt: number): Promise<void> {
    try {
      const { statusCode, body } = await request(this.#url, { dispatcher: this.#agent });
      await body.dump();
      if (statusCode !== 200) this.#failures.push({ sentAt, reason: `status ${statusCode}` });
    } catch (error) {
      this.#failures.push({ sentAt, reason: (error as Error).message });
    }
    this.#slowest = Math.max(this.#slowest, now() - sentAt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    await this.#agent.close();
  }
}
