/** The NGINX Plus API over HTTP in front of a fake NGINX: for what needs the wire, but no NGINX. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parseAddress } from '../../src/core/address.js';
import { NginxError } from '../../src/core/errors.js';
import type { ActualServer } from '../../src/core/ports.js';
import { DEFAULT_PARAMETERS, parametersFor } from '../../src/core/server-parameters.js';
import type { Kind, UpstreamRef } from '../../src/core/upstream.js';
import type { FakeNginx } from './fake-nginx.js';

const SIGNAL = new AbortController().signal;

export interface ApiServerOptions {
  readonly tls?: ServerOptions;
  /** Answers a request instead of the API, when it returns true. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export class NginxApiServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #nginx: FakeNginx;
  readonly #scheme: string;
  /** Requests answered, by method. */
  readonly requests = new Map<string, number>();
  /** Connections accepted. */
  connections = 0;

  private constructor(nginx: FakeNginx, { tls, intercept }: ApiServerOptions) {
    this.#nginx = nginx;
    this.#scheme = tls ? 'https' : 'http';
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      if (!intercept?.(request, response)) void this.#answer(request, response);
    };
    this.#server = tls ? createTlsServer(tls, listener) : createServer(listener);
    this.#server.on('connection', () => this.connections++);
  }

  static async start(nginx: FakeNginx, options: ApiServerOptions = {}): Promise<NginxApiServer> {
    const server = new NginxApiServer(nginx, options);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}/api`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? '';
    this.requests.set(method, (this.requests.get(method) ?? 0) + 1);
    const body = await text(request);
    try {
      const { status, value } = await this.#route(method, request.url ?? '', body);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    } catch (error) {
      const {
        code,
        status = 500,
        message,
      } = error instanceof NginxError ? error : new NginxError('Internal', String(error), { status: 500 });
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error: { status, text: message, code }, request_id: '0', href: '' }));
    }
  }

  async #route(method: string, url: string, body: string): Promise<{ status: number; value: unknown }> {
    const [path = ''] = url.split('?');
    const [api, version, ...rest] = path.split('/').filter((part) => part !== '');
    if (api !== 'api') throw notFound('PathNotFound');
    if (version === undefined) return { status: 200, value: [1, 2, 3, 4, 5, 6, 7, 8, 9] };
    if (version !== '9') throw notFound('UnknownVersion');
    if (rest[0] === 'nginx') return { status: 200, value: await this.#identity() };
    const [kind, upstreams, name, servers, id] = rest;
    if (!isKind(kind) || upstreams !== 'upstreams') throw notFound('PathNotFound');
    if (name === undefined) return { status: 200, value: await this.#names(kind) };
    const ref: UpstreamRef = { kind, name };
    if (servers === undefined) return { status: 200, value: await this.#peers(ref) };
    if (id === undefined && method === 'GET') return { status: 200, value: await this.#servers(ref) };
    if (id === undefined) return { status: 201, value: await this.#add(ref, JSON.parse(body)) };
    if (method === 'GET') {
      return { status: 200, value: wire(ref, await this.#nginx.server(ref, Number(id), SIGNAL)) };
    }
    if (method === 'DELETE') await this.#nginx.remove(ref, Number(id), SIGNAL);
    else await this.#patch(ref, Number(id), JSON.parse(body));
    return { status: 200, value: method === 'DELETE' ? await this.#servers(ref) : {} };
  }

  async #identity() {
    const { generation, pid, loadTimestamp, version, build } = await this.#nginx.identity(SIGNAL);
    return { generation, ppid: pid, pid: pid + 1, load_timestamp: loadTimestamp, version, build };
  }

  async #names(kind: Kind) {
    const names = await this.#nginx.upstreams(kind, SIGNAL);
    return Object.fromEntries(names.map((name) => [name, { zone: name }]));
  }

  async #servers(ref: UpstreamRef) {
    const { servers } = await this.#nginx.upstream(ref, SIGNAL);
    return servers.map((server) => wire(ref, server));
  }

  async #peers(ref: UpstreamRef) {
    const { servers } = await this.#nginx.upstream(ref, SIGNAL);
    const peers = servers.map(({ id, address, active, draining, parameters, failing }) => {
      const state = draining ? 'draining' : parameters.down ? 'down' : failing ? 'unhealthy' : 'up';
      return { id, server: address, name: address, state, active };
    });
    return { peers, zombies: 0, zone: ref.name };
  }

  async #add(ref: UpstreamRef, { server, ...given }: { server: string }): Promise<unknown> {
    const address = parseAddress(server);
    if (!address.ok) throw new NginxError('UpstreamBadAddress', address.reason, { status: 400 });
    return wire(ref, await this.#nginx.add(ref, address.value, { ...DEFAULT_PARAMETERS, ...given }, SIGNAL));
  }

  async #patch(ref: UpstreamRef, id: number, { drain, ...changes }: { drain?: boolean }): Promise<void> {
    if (drain) await this.#nginx.drain(ref, id, SIGNAL);
    else await this.#nginx.update(ref, id, changes, SIGNAL);
  }
}

function wire(ref: UpstreamRef, { id, address, parameters, draining }: ActualServer): unknown {
  const known = parametersFor(ref.kind).map((name) => [name, parameters[name]]);
  return { id, server: address, ...Object.fromEntries(known), ...(draining ? { drain: true } : {}) };
}

function isKind(text: string | undefined): text is Kind {
  return text === 'http' || text === 'stream';
}

function notFound(code: string): NginxError {
  return new NginxError(code, 'not found', { status: 404 });
}
