import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FIRMWARE, until } from '../../../support/containers/index.js';
import { type Expectations, expectNoLoss } from '../../../support/traffic/expectations.js';
import { createHttpLoad, type HttpCounts } from '../../../support/traffic/http-load.js';

const FILES = new Map<string, number>(Object.values(FIRMWARE).map(({ path, length }) => [path, length]));

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Serves the file that is asked for, or the rest of it. */
const serve: RequestListener = (request, response) => {
  const length = FILES.get(request.url ?? '') ?? 0;
  const offset = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(offset > 0 ? 206 : 200, {
    'content-length': length - offset,
    'x-served-by': 'firmware-1',
  });
  response.end(Buffer.alloc(length - offset));
};

/** Serves half a file and breaks off, but the rest of a file to its end. */
const breakOff: RequestListener = (request, response) => {
  if (request.headers.range) return serve(request, response);
  const length = FILES.get(request.url ?? '') ?? 0;
  response.writeHead(200, { 'content-length': length, 'x-served-by': 'firmware-1' });
  response.write(Buffer.alloc(length / 2), () => response.destroy());
};

async function loadOn(listener: RequestListener, expectations: Expectations): Promise<HttpCounts> {
  server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const load = createHttpLoad(`http://127.0.0.1:${port}`, 200, expectations);
  load.start();
  await until('twenty requests', () => load.counts.requests >= 20);
  await load.stop();
  return load.counts;
}

describe('the HTTP load of the demonstration', () => {
  it('counts good answers by the server that gave them', async () => {
    const counts = await loadOn(serve, expectNoLoss());
    expect(counts.failures.size).toBe(0);
    expect([...counts.servedBy]).toEqual([['firmware-1', counts.requests]]);
  });

  it.each<[string, string, RequestListener]>([
    ['a wrong status', 'status 503', (_, response) => response.writeHead(503).end()],
    [
      'a wrong length',
      'wrong content-length',
      (_, response) => response.writeHead(200, { 'content-length': 3 }).end('abc'),
    ],
    ['a body that breaks off', 'body broken off', breakOff],
    ['a connection that is reset', 'other side closed', (request) => request.socket.destroy()],
  ])('counts %s as a failure', async (_, failure, listener) => {
    const counts = await loadOn(listener, expectNoLoss());
    expect(counts.failures.get(failure)).toBe(counts.requests);
    expect(counts.servedBy.size).toBe(0);
  });

  it('completes a download that broke off when its server was killed', async () => {
    const counts = await loadOn(breakOff, { ...expectNoLoss(), killed: new Set(['firmware-1']) });
    expect(counts.failures.size).toBe(0);
    expect(counts.resumed).toBe(counts.requests);
  });

  it('blames NGINX for failures only while it is down', async () => {
    const counts = await loadOn((_, response) => response.writeHead(502).end(), {
      ...expectNoLoss(),
      nginxIsDown: true,
    });
    expect(counts.failures.size).toBe(0);
    expect(counts.whileNginxDown).toBe(counts.requests);
  });
});
