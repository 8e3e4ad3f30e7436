import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, SidekickError } from '../core/errors.js';
import type { WallClock } from '../core/ports.js';
import { printableJson } from '../core/printable.js';
import { CHALLENGE, findRefusal, type Secrecy } from './admin-access.js';
import { DashboardEndpoint, type DashboardSource } from './dashboard-endpoint.js';
import { PAGE_HEADERS } from './dashboard-files.js';
import type { EventJournal } from './event-journal.js';
import { EventsEndpoint, wantsStream } from './events-endpoint.js';

/** What the admin endpoints serve. */
export interface AdminSource {
  /** The loops of the daemon make progress. */
  healthy(): boolean;
  /** Everything is registered, or NGINX is in sync with etcd. */
  ready(): boolean;
  metrics(): Promise<{ readonly text: string; readonly contentType: string }>;
  /** Anything that JSON can represent. */
  status(): unknown;
  /** The last events. */
  readonly events: EventJournal;
  /** Left out where there is no dashboard. */
  readonly dashboard?: DashboardSource | undefined;
  /** The token that callers have to show, as it is now; undefined where none is configured. */
  token?(): string | undefined;
  /** A caller has shown a wrong credential. */
  denied?(remote: string): void;
}

export interface AdminServer {
  /** Such as `http://127.0.0.1:9464`. */
  readonly url: string;
  close(): Promise<void>;
}

interface AdminResponse {
  readonly status: number;
  readonly body: string | Buffer;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An endpoint: answers with what it returns, or by itself where that is undefined. */
interface Endpoint {
  readonly secrecy: Secrecy;
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<AdminResponse> | AdminResponse | undefined;
}

/**
 * Serves /healthz, /readyz, /metrics, /status, /events, and where there is one the dashboard. Who may read what, `findRefusal`
 * says. Rejects with a SidekickError if the port is taken.
 */
export async function startAdminServer(
  listen: { readonly host: string; readonly port: number },
  source: AdminSource,
  wallClock: WallClock = Date.now,
): Promise<AdminServer> {
  const endpoints = new Map([
    ...daemonEndpoints(source, wallClock),
    ...(source.dashboard ? dashboardEndpoints(source.dashboard, source.events, wallClock) : []),
  ]);
  const server = createServer((request, response) => {
    void respond(request, response, endpoints, source);
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  await listening(server, listen);
  // The server must not keep the process alive.
  server.unref();
  return { url: urlOf(server), close: () => closed(server) };
}

function daemonEndpoints(source: AdminSource, wallClock: WallClock): [string, Endpoint][] {
  const events = new EventsEndpoint(source.events, wallClock);
  return [
    [
      '/healthz',
      {
        secrecy: 'health',
        answer: () =>
          source.healthy() ? plain(200, 'ok') : plain(503, 'the loops of the daemon make no progress'),
      },
    ],
    [
      '/readyz',
      {
        secrecy: 'health',
        answer: () => (source.ready() ? plain(200, 'ready') : plain(503, 'not ready: see /status')),
      },
    ],
    [
      '/metrics',
      {
        secrecy: 'metrics',
        answer: async () => {
          const { text, contentType } = await source.metrics();
          return { status: 200, body: text, type: contentType };
        },
      },
    ],
    ['/status', { secrecy: 'private', answer: () => json(`${printableJson(source.status(), 2)}\n`) }],
    [
      '/events',
      {
        secrecy: 'private',
        answer: (request, response, query) => {
          if (request.method !== 'GET' || !wantsStream(request, query)) return json(events.json(query));
          if (events.isFull) return plain(503, 'too many follow the events: try again later');
          events.follow(request, response, query, PAGE_HEADERS);
          return undefined;
        },
      },
    ],
  ];
}

function dashboardEndpoints(
  source: DashboardSource,
  events: EventJournal,
  wallClock: WallClock,
): [string, Endpoint][] {
  const dashboard = new DashboardEndpoint(source, events, wallClock);
  const page = `${DASHBOARD}/`;
  const redirect: Endpoint = {
    secrecy: 'private',
    answer: () => ({ ...plain(302, page), headers: { location: page } }),
  };
  const files = [...dashboard.files].map(([name, { body, type }]): [string, Endpoint] => [
    name === 'index.html' ? page : `${page}${name}`,
    { secrecy: 'private', answer: () => ({ status: 200, body, type }) },
  ]);
  return [
    ['/', redirect],
    [DASHBOARD, redirect],
    ...files,
    [
      `${page}stream`,
      {
        secrecy: 'private',
        answer: (request, response) => {
          // A page asks so whether it would be answered: a browser does not tell it why a stream was refused.
          if (request.method === 'HEAD') return { status: 200, body: '', type: 'text/event-stream' };
          if (dashboard.isFull) return plain(503, 'too many look at the dashboard: try again later');
          dashboard.follow(response, PAGE_HEADERS);
          return undefined;
        },
      },
    ],
    [
      `${page}servers`,
      {
        secrecy: 'private',
        answer: (_request, _response, query) => {
          const found = dashboard.servers(query);
          return found === undefined ? plain(404, 'there is no such upstream') : json(found);
        },
      },
    ],
  ];
}

/** Where the dashboard is. */
const DASHBOARD = '/dashboard';

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  endpoints: ReadonlyMap<string, Endpoint>,
  source: AdminSource,
): Promise<void> {
  const answer = await answerTo(request, response, endpoints, source).catch((error: unknown) =>
    plain(500, messageOf(error)),
  );
  if (answer === undefined) return;
  const { status, body, type, headers } = answer;
  response
    .writeHead(status, {
      ...PAGE_HEADERS,
      ...headers,
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    .end(request.method === 'HEAD' ? undefined : body);
}

async function answerTo(
  request: IncomingMessage,
  response: ServerResponse,
  endpoints: ReadonlyMap<string, Endpoint>,
  source: AdminSource,
): Promise<AdminResponse | undefined> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const endpoint = endpoints.get(pathname);
  const remote = request.socket.remoteAddress;
  // What there is, is nobody's secret, but what is not there answers as what is private.
  const { secrecy } = endpoint ?? { secrecy: 'private' as const };
  const refusal = findRefusal({ headers: request.headers, remote }, secrecy, source.token?.());
  if (refusal) {
    if (refusal.wrongCredential) source.denied?.(remote ?? '');
    const headers = refusal.status === 401 ? { 'www-authenticate': CHALLENGE } : {};
    return { ...plain(refusal.status, refusal.reason), headers };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'only GET and HEAD');
  if (!endpoint)
    return plain(404, `the endpoints are ${[...endpoints.keys()].filter(isForPeople).join(', ')}`);
  return endpoint.answer(request, response, searchParams);
}

/** Not the parts of the dashboard. */
function isForPeople(path: string): boolean {
  return path !== '/' && !path.startsWith(`${DASHBOARD}/`);
}

function plain(status: number, text: string): AdminResponse {
  return { status, body: `${text}\n`, type: 'text/plain; charset=utf-8' };
}

function json(body: string): AdminResponse {
  return { status: 200, body, type: 'application/json' };
}

async function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, `${host}:${port}`)));
    server.listen(port, host, resolve);
  });
}

function listenError(error: NodeJS.ErrnoException, address: string): Error {
  const why = error.code === 'EADDRINUSE' ? 'another process listens there' : error.message;
  const advice = 'give another address, or off, with --admin-listen (SIDEKICK_ADMIN_LISTEN, admin.listen)';
  return new SidekickError('ADMIN_LISTEN', `admin.listen: cannot listen on ${address}: ${why}; ${advice}`, {
    cause: error,
  });
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
