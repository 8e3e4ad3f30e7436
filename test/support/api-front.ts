/** An HTTP server in front of a real NGINX API that delays, refuses, or loses answers. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What happens to a request: it is answered after a wait; or with this status instead of reaching NGINX; or it reaches
 * NGINX, and the connection is reset instead of an answer.
 */
export type Treatment = { readonly wait: number } | { readonly status: number } | 'lose-answer';

export class ApiFront implements AsyncDisposable {
  readonly #target: URL;
  readonly #server: Server;
  /** Asked for each request; undefined lets it pass. */
  treat: (method: string, path: string) => Treatment | undefined = () => undefined;
  /** Requests that were made to wait and that NGINX has not answered yet, whether or not anybody still waits for it. */
  late = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, response) => void this.#answer(incoming, response));
  }

  /** @param target The API, as `http://127.0.0.1:8080/api`. */
  static async start(target: string): Promise<ApiFront> {
    const front = new ApiFront(target);
    await new Promise<void>((resolve) => front.#server.listen(0, '127.0.0.1', resolve));
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const treatment = this.treat(incoming.method ?? '', incoming.url ?? '');
    if (typeof treatment === 'object' && 'status' in treatment) {
      response.writeHead(treatment.status).end();
      return;
    }
    // Read before the wait: the body of a request that its client gives up meanwhile would be lost, and so its effect.
    const body = await buffer(incoming).catch(() => undefined);
    if (!body) return;
    if (typeof treatment === 'object') {
      this.late++;
      await delay(treatment.wait);
    }
    const { hostname, port } = this.#target;
    const { method, url: path, headers } = incoming;
    const outgoing = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      if (treatment === 'lose-answer') {
        answer.resume().on('end', () => incoming.socket.resetAndDestroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => incoming.socket.destroy());
    if (typeof treatment === 'object') outgoing.on('close', () => this.late--);
    outgoing.end(body);
  }
}
