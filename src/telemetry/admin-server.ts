import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, SidekickError } from '../core/errors.js';
import type { WallClock } from '../core/ports.js';
import { printableJson } from '../core/printable.js';
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
}

export interface AdminServer {
  /** Such as `http://127.0.0.1:9464`. */
  readonly url: string;
  close(): Promise<void>;
}

interface AdminResponse {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

/** Serves /healthz, /readyz, /metrics, /status and /events. Rejects with a SidekickError if the port is taken. */
export async function startAdminServer(
  listen: { readonly host: string; readonly port: number },
  source: AdminSource,
  wallClock: WallClock = Date.now,
): Promise<AdminServer> {
  const events = new EventsEndpoint(source.events, wallClock);
  const server = createServer((request, response) => {
    void respond(request, response, source, events);
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  await listening(server, listen);
  // The server must not keep the process alive.
  server.unref();
  return { url: urlOf(server), close: () => closed(server) };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  source: AdminSource,
  events: EventsEndpoint,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const isStream = pathname === '/events' && request.method === 'GET' && wantsStream(request, searchParams);
  if (isStream && !events.isFull) {
    events.follow(request, response, searchParams);
    return;
  }
  const { status, body, type } = await answer(request, source, isStream ? undefined : events).catch(
    (error: unknown) => plain(500, messageOf(error)),
  );
  const headers = {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  };
  response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body);
}

/** @param events Undefined where no more can be followed. */
async function answer(
  request: IncomingMessage,
  source: AdminSource,
  events: EventsEndpoint | undefined,
): Promise<AdminResponse> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'only GET and HEAD');
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  switch (pathname) {
    case '/healthz':
      return source.healthy() ? plain(200, 'ok') : plain(503, 'the loops of the daemon make no progress');
    case '/readyz':
      return source.ready() ? plain(200, 'ready') : plain(503, 'not ready: see /status');
    case '/status':
      return { status: 200, body: `${printableJson(source.status(), 2)}\n`, type: 'application/json' };
    case '/events':
      return events
        ? { status: 200, body: events.json(searchParams), type: 'application/json' }
        : plain(503, 'too many follow the events: try again later');
    case '/metrics': {
      const { text, contentType } = await source.metrics();
      return { status: 200, body: text, type: contentType };
    }
    default:
      return plain(404, 'the endpoints are /healthz, /readyz, /metrics, /status and /events');
  }
}

function plain(status: number, text: string): AdminResponse {
  return { status, body: `${text}\n`, type: 'text/plain; charset=utf-8' };
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
