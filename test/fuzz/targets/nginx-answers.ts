import type { IncomingMessage, ServerResponse } from 'node:http';
import { createNginxApi } from '../../../src/adapters/nginx/api.js';
import { until } from '../../support/containers/until.js';
import { FakeNginx } from '../../support/fake-nginx.js';
import { NginxApiServer } from '../../support/nginx-api-server.js';
import { fc } from '../../support/property.js';
import { address, HTTP, STREAM, Watching } from '../../support/watching.js';
import { type Spoilt, spoiltAnswer, spoiltBody } from '../inputs/answers.js';
import type { Acceptance, Target } from '../target.js';

interface Nonsense {
  /** What the next answers are; those after them are true again. */
  readonly answers: readonly Spoilt[];
}

/** Quick, so that a run sees many answers. */
const TIMING = {
  resync: 60,
  identity: 25,
  debounce: 1,
  drainPoll: { min: 5, max: 10 },
  settle: 1,
  retry: { min: 2, max: 20 },
  concurrency: 8,
};

const API_TIMEOUT = 250;
/** What stays registered all the time, and what comes and goes. */
const STAYING = [address('10.0.0.1:80'), address('10.0.0.2:80')];
const BROKER = address('10.0.0.3:1883');
const CHANGING = address('10.0.0.4:80');

/** Sends bodies other than the true ones, the next ones that were asked for. */
class Spoiler {
  #next: Spoilt[] = [];
  applied = 0;

  plan(answers: readonly Spoilt[]): void {
    this.#next = [...answers];
  }

  get left(): number {
    return this.#next.length;
  }

  /** Takes the answer's end in hand; the API then answers into nothing. */
  readonly intercept = (_: IncomingMessage, response: ServerResponse): boolean => {
    const spoilt = this.#next.shift();
    if (!spoilt) return false;
    this.applied++;
    const { writeHead, end } = {
      writeHead: response.writeHead.bind(response),
      end: response.end.bind(response),
    };
    let status = 200;
    Object.assign(response, {
      writeHead: (code: number) => {
        status = code;
        return response;
      },
      end: (text: string) => {
        Object.assign(response, { writeHead, end });
        send(response, status, text ?? '', spoilt);
        return response;
      },
    });
    return false;
  };
}

function send(response: ServerResponse, status: number, text: string, spoilt: Spoilt): void {
  if (spoilt.how === 'raw') {
    response.socket?.end(spoilt.bytes, 'latin1');
    return;
  }
  const body = spoiltBody(text, spoilt);
  const length = Buffer.byteLength(body);
  const said =
    spoilt.how === 'long' ? length + 10 : spoilt.how === 'short' ? Math.max(0, length - 1) : length;
  const code = spoilt.how === 'status' ? spoilt.status : status;
  response.socket?.write(
    `HTTP/1.1 ${code} X\r\nContent-Type: application/json\r\nContent-Length: ${code === 204 ? 0 : said}\r\n\r\n`,
  );
  if (spoilt.how === 'drip') response.socket?.write(body.slice(0, 1));
  else response.socket?.end(code === 204 ? '' : body);
}

class Subject implements AsyncDisposable {
  readonly #spoiler = new Spoiler();
  readonly #nginx = new FakeNginx({ http: ['firmware'], stream: ['mqtt'] });
  #server!: NginxApiServer;
  #api!: ReturnType<typeof createNginxApi>;
  #watching!: Watching;
  #registered = false;
  /** What was seen of servers that nobody had changed. */
  readonly #harms: string[] = [];

  async open(): Promise<this> {
    this.#server = await NginxApiServer.start(this.#nginx, { intercept: this.#spoiler.intercept });
    this.#api = createNginxApi({ name: 'nginx', url: this.#server.url, timeout: API_TIMEOUT });
    this.#watching = new Watching({ nginx: [this.#nginx], apis: [this.#api], options: { timing: TIMING } });
    for (const [i, server] of STAYING.entries())
      this.#watching.register('firmware', server, { weight: i + 1 });
    this.#watching.register('mqtt', BROKER);
    await this.#settled('at first');
    this.#nginx.changed = () => {
      const deviation = this.#deviation();
      if (deviation !== undefined) this.#harms.push(deviation);
    };
    return this;
  }

  readonly judge = async ({ answers }: Nonsense): Promise<Acceptance> => {
    this.#harms.length = 0;
    this.#spoiler.plan(answers);
    const before = this.#spoiler.applied;
    this.#registered = !this.#registered;
    if (this.#registered) this.#watching.register('firmware', CHANGING);
    else this.#watching.vanish('firmware', CHANGING);
    await until('the nonsense has been told', () => this.#spoiler.left === 0, { timeoutMs: 15_000 });
    await this.#settled('after the nonsense');
    if (this.#harms.length > 0) throw new Error(`servers that nobody had changed: ${this.#harms[0]}`);
    const failed = this.#watching.log.events('worker-failed');
    if (failed.length > 0) throw new Error(`a worker failed: ${JSON.stringify(failed[0]?.fields)}`);
    // Nothing came of any but that NGINX was asked again.
    const count = this.#spoiler.applied - before;
    return { accepted: 1, rejected: answers.slice(0, count).map(({ how }) => `asked again: ${how}`) };
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#nginx.changed = () => {};
    this.#spoiler.plan([]);
    await this.#watching.stop();
    await this.#api.close();
    await this.#server[Symbol.asyncDispose]();
  }

  /** What is not as it has to be of the servers that stay. */
  #deviation(): string | undefined {
    const http = this.#nginx.servers(HTTP).filter((server) => server.address !== CHANGING);
    const seen = [...http, ...this.#nginx.servers(STREAM)].map(
      ({ address: at, parameters: { weight, down }, draining }) =>
        `${at} ${weight}${down || draining ? ' out' : ''}`,
    );
    const wanted = [...STAYING.map((server, i) => `${server} ${i + 1}`), `${BROKER} 1`];
    return JSON.stringify(seen.sort()) === JSON.stringify(wanted.sort()) ? undefined : JSON.stringify(seen);
  }

  async #settled(when: string): Promise<void> {
    await until(
      `NGINX equals etcd ${when}`,
      () => {
        const changing = this.#nginx.servers(HTTP).filter((server) => server.address === CHANGING);
        return this.#deviation() === undefined && changing.length === Number(this.#registered);
      },
      { timeoutMs: 15_000 },
    );
  }
}

export const nginxAnswers: Target<Nonsense> = {
  name: 'nginx-answers',
  about: 'answers of the NGINX API, to a watcher',
  inputs: fc.record({ answers: fc.array(spoiltAnswer, { minLength: 1, maxLength: 5 }) }),
  short: 10,
  bound: 40_000,
  open: () => new Subject().open(),
};
