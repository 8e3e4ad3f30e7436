/** A firmware server's upload listener in this process: it keeps what is put, and gives it the ETag that NGINX gives. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { etagOf } from '../../src/firmware/release.js';

export class UploadServer {
  readonly files = new Map<string, { readonly content: Buffer; readonly mtime: number }>();
  /** Called with the method of each request once its body has been read, and awaited before it is answered. */
  onRequest: (method: string) => Promise<void> | void = () => {};
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, etag, content }) =>
        response.writeHead(status, etag === undefined ? {} : { etag }).end(content),
      );
    });
  }

  static async start(): Promise<UploadServer> {
    const server = new UploadServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; etag?: string; content?: Buffer }> {
    const { method = '', url = '', headers } = request;
    const content = await buffer(request);
    await this.onRequest(method);
    if (method === 'PUT') {
      this.files.set(url, { content, mtime: Date.parse(headers.date ?? '') / 1000 });
      return { status: 201 };
    }
    const found = this.files.get(url);
    if (found === undefined) return { status: 404 };
    return { status: 200, etag: etagOf(found.mtime, found.content.length), content: found.content };
  }
}
