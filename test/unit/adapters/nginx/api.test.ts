import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createNginxApi } from '../../../../src/adapters/nginx/api.js';
import type { NginxApiOptions } from '../../../../src/adapters/nginx/options.js';
import { DEFAULT_PARAMETERS } from '../../../../src/core/server-parameters.js';
import { Authority } from '../../../support/certificates.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { type ApiServerOptions, NginxApiServer } from '../../../support/nginx-api-server.js';
import { address, HTTP, host, STREAM } from '../../../support/watching.js';

const SIGNAL = new AbortController().signal;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function temporaryDirectory(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'sidekick-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

async function serve(options: ApiServerOptions = {}): Promise<{ nginx: FakeNginx; server: NginxApiServer }> {
  const nginx = new FakeNginx({ http: ['firmware'], stream: ['mqtt'] });
  const server = await NginxApiServer.start(nginx, options);
  closers.push(() => server[Symbol.asyncDispose]());
  return { nginx, server };
}

function client(options: Omit<NginxApiOptions, 'name'>) {
  const api = createNginxApi({ name: 'lb', ...options });
  closers.push(() => api.close());
  return api;
}

/** Answers requests whose URL matches with this. */
function answering(url: RegExp, status: number, body: unknown): Answer {
  return (request, response) => {
    if (!url.test(request.url ?? '')) return false;
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
    return true;
  };
}

/** Answers requests for upstreams with one piece after another, in all longer than a second. */
function piecemeal(pieces: readonly string[], end = true): Answer {
  return (request, response) => {
    if (!/upstreams/.test(request.url ?? '')) return false;
    let next = 0;
    const timer = setInterval(() => {
      response.write(pieces[next++] ?? '');
      if (next < pieces.length) return;
      clearInterval(timer);
      if (end) response.end();
    }, 1500 / pieces.length);
    return true;
  };
}

describe('a change of the options of a client', () => {
  it('applies to the calls from then on; calls under way end normally', async () => {
    const seen: (string | undefined)[] = [];
    let answerFirst: () => void = () => undefined;
    const { server } = await serve({
      intercept: (request, response) => {
        seen.push(request.headers.authorization);
        if (!/slow/.test(request.url ?? '')) return false;
        answerFirst = () => response.end('{"servers":[],"peers":[]}');
        return true;
      },
    });
    const auth = (password: string) => ({ username: 'admin', password });
    const api = client({ url: server.url, auth: auth('one') });
    const underWay = api.remove({ kind: 'http', name: 'slow' }, 1, SIGNAL);
    await vi.waitUntil(() => seen.length === 2, { timeout: 10_000 });
    api.renew({ name: 'lb', url: server.url, auth: auth('two') });
    await api.identity(SIGNAL);
    answerFirst();

    await expect(underWay).resolves.toBeUndefined();
    const basic = (password: string) => `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
    expect(seen).toEqual([basic('one'), basic('one'), basic('two'), basic('two')]);
  });
});

describe('the version of the API', () => {
  it.each([
    [[1, 2, 3, 4, 5, 6, 7, 8, 9], 9],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 9],
    [[4, 7], 7],
  ])('picks from %j version %i', async (versions, expected) => {
    const asked: string[] = [];
    const { server } = await serve({
      intercept: (request, response) => {
        asked.push(request.url ?? '');
        const body = /nginx/.test(request.url ?? '') ? { generation: 1 } : versions;
        response.end(JSON.stringify(body));
        return true;
      },
    });
    await client({ url: server.url }).identity(SIGNAL);
    expect(asked).toEqual(['/api/', `/api/${expected}/nginx`]);
  });

  it.each([[[1, 2, 3]], [[10, 11]], [{}], [['9']]])('finds no version in %j', async (versions) => {
    const { server } = await serve({ intercept: answering(/./, 200, versions) });
    await expect(client({ url: server.url }).identity(SIGNAL)).rejects.toMatchObject({
      code: 'BAD_ANSWER',
      message: expect.stringMatching(/no API version from 4 to 9|not the list of the API's versions/),
    });
  });

  it('is looked up again when NGINX no longer knows it', async () => {
    let refused = false;
    let lookups = 0;
    const { server } = await serve({
      intercept: (request, response) => {
        if (request.url === '/api/') lookups++;
        if (refused || request.url === '/api/') return false;
        refused = true;
        response.writeHead(404).end(JSON.stringify({ error: { code: 'UnknownVersion', text: 'unknown' } }));
        return true;
      },
    });
    const api = client({ url: server.url });
    await expect(api.identity(SIGNAL)).rejects.toMatchObject({ code: 'UnknownVersion' });
    await api.identity(SIGNAL);
    await api.identity(SIGNAL);
    expect(lookups).toBe(2);
  });

  it('is asked for under the given path, with or without a slash at its end', async () => {
    const { server } = await serve();
    for (const url of [server.url, `${server.url}/`, `${server.url}//`]) {
      expect(await client({ url }).upstreams('http', SIGNAL)).toEqual(['firmware']);
    }
  });
});

describe('the API client, reading', () => {
  async function showing(servers: unknown, group: unknown = { peers: [] }) {
    const { server } = await serve({
      intercept: (request, response) => {
        if (/servers/.test(request.url ?? '')) response.end(JSON.stringify(servers));
        else if (/firmware/.test(request.url ?? '')) response.end(JSON.stringify(group));
        else return false;
        return true;
      },
    });
    return client({ url: server.url }).upstream(HTTP, SIGNAL);
  }

  it('returns addresses and times in one spelling, and ignores unknown fields', async () => {
    const { servers } = await showing(
      [{ id: 3, server: '10.0.0.1:80', weight: 2, fail_timeout: '1m', drain: true, colour: 'red' }],
      { peers: [{ id: 3, active: 7, state: 'draining' }], zombies: 1 },
    );
    expect(servers).toEqual([
      {
        id: 3,
        address: '10.0.0.1:80',
        parameters: { ...DEFAULT_PARAMETERS, weight: 2, fail_timeout: '60s' },
        draining: true,
        active: 7,
        failing: false,
      },
    ]);
  });

  it('counts what sidekick does not manage, and leaves it out', async () => {
    const state = await showing([
      { id: 0, server: '10.0.0.1:80' },
      { id: 1, server: 'example.org:80' },
      { id: 2, server: '10.0.0.2:80', parent: 1, host: 'example.org:80' },
      { id: 3, server: 'unix:/run/app.sock' },
      { id: 4, server: '10.0.0.3:80', service: 'http' },
      { id: 5, server: '10.0.0.4:80', service: '' },
    ]);
    expect(state.servers.map(({ id }) => id)).toEqual([0, 5]);
    expect(state.unmanaged).toBe(4);
  });

  it.each([
    [{ state: 'up' }, false],
    [{ state: 'checking' }, false],
    [{ state: 'unhealthy' }, true],
    [{ state: 'unavail' }, true],
    [{ state: 'draining', health_checks: { last_passed: false } }, true],
    [{ state: 'down', health_checks: { last_passed: true } }, false],
    [{ state: 'down', health_checks: {} }, false],
  ])('counts the state %j as failing: %s', async (peer, failing) => {
    const { servers } = await showing([{ id: 0, server: '10.0.0.1:80' }], { peers: [{ id: 0, ...peer }] });
    expect(servers[0]?.failing).toBe(failing);
    expect(servers[0]).not.toHaveProperty('active');
  });

  it('asks for the counters of some servers alone, and only where there are such, by the servers that the group has', async () => {
    const { server, nginx } = await serve();
    const { id } = nginx.place(HTTP, host(1));
    nginx.place(HTTP, host(2));
    const api = client({ url: server.url });
    const seen: unknown[] = [];
    const answered = (...ids: readonly number[]) =>
      api.upstream(HTTP, SIGNAL, (servers) => {
        seen.push(servers.map(({ address }) => address));
        return new Set(ids);
      });

    const asked = () => server.requests.get('GET') ?? 0;
    const [without] = (await answered()).servers;
    expect(without).toEqual({
      id,
      address: host(1),
      parameters: DEFAULT_PARAMETERS,
      draining: false,
      failing: false,
    });
    const before = asked();
    const [withCounters, other] = (await answered(id)).servers;
    expect(withCounters).toMatchObject({ id, active: 0 });
    expect(other).not.toHaveProperty('active');
    expect(asked() - before).toBe(2);
    await answered();
    expect(asked() - before).toBe(3);
    expect(seen).toEqual([
      [host(1), host(2)],
      [host(1), host(2)],
      [host(1), host(2)],
    ]);
  });

  it('returns no groups where NGINX has no stream block', async () => {
    const error = { error: { status: 404, text: 'path not found', code: 'PathNotFound' } };
    const { server } = await serve({ intercept: answering(/stream/, 404, error) });
    expect(await client({ url: server.url }).upstreams('stream', SIGNAL)).toEqual([]);
  });

  it('identifies NGINX by its master process, not by the worker that answers', async () => {
    let worker = 100;
    const { server } = await serve({
      intercept: (request, response) => {
        if (!/nginx/.test(request.url ?? '')) return false;
        response.end(JSON.stringify({ generation: 2, pid: ++worker, ppid: 7, load_timestamp: 'then' }));
        return true;
      },
    });
    const api = client({ url: server.url });
    const first = await api.identity(SIGNAL);
    expect(first).toEqual({ generation: 2, pid: 7, loadTimestamp: 'then', version: '', build: '' });
    expect(await api.identity(SIGNAL)).toEqual(first);
  });
});

describe('the error of a call', () => {
  it.each([
    [400, { error: { text: 'bad', code: 'UpstreamBadWeight' } }, 'UpstreamBadWeight', false],
    [404, { error: { text: 'no', code: 'UpstreamNotFound' } }, 'UpstreamNotFound', false],
    [405, { error: { text: 'method disabled', code: 'MethodDisabled' } }, 'MethodDisabled', false],
    [415, { error: { text: 'json', code: 'JsonError' } }, 'JsonError', false],
    [500, { error: { text: 'oops', code: 'Internal' } }, 'Internal', true],
    [502, '<html>bad gateway</html>', 'BAD_ANSWER', true],
    [503, '', 'BAD_ANSWER', true],
    [429, '', 'BAD_ANSWER', true],
    [401, '<html>who are you</html>', 'BAD_ANSWER', false],
    [200, '<html>not an API</html>', 'BAD_ANSWER', true],
  ])('is for the status %i and %j %s', async (status, body, code, retryable) => {
    const { server } = await serve({ intercept: answering(/servers/, status, body) });
    const call = client({ url: server.url }).add(HTTP, host(1), DEFAULT_PARAMETERS, SIGNAL);
    await expect(call).rejects.toMatchObject({ name: 'NginxError', code, status, retryable });
  });

  it('is UNREACHABLE when nobody listens', async () => {
    const { server } = await serve();
    const { url } = server;
    await server[Symbol.asyncDispose]();
    closers.pop();
    await expect(client({ url }).identity(SIGNAL)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      retryable: true,
      status: undefined,
    });
  });

  it('is none when an answer takes longer than the time limit, but keeps arriving', async () => {
    const groups = Array.from({ length: 20 }, (_, index) => [`group-${index}`, {}]);
    const body = JSON.stringify(Object.fromEntries(groups));
    const pieces = body.match(/.{1,20}/g) ?? [];
    const { server } = await serve({ intercept: piecemeal(pieces) });
    const api = client({ url: server.url, timeout: 1000 });
    await expect(api.upstreams('http', SIGNAL)).resolves.toHaveLength(20);
  });

  it('is Timeout when an answer stops arriving', async () => {
    const { server } = await serve({ intercept: piecemeal(['["a', 'b'], false) });
    const api = client({ url: server.url, timeout: 300 });
    await expect(api.upstreams('http', SIGNAL)).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
  });

  it('is Timeout when no answer comes, and the connection is not used again', async () => {
    let silent = true;
    const { server } = await serve({ intercept: () => silent });
    const api = client({ url: server.url, timeout: 100, connections: 1 });
    await expect(api.identity(SIGNAL)).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
    silent = false;
    await api.identity(SIGNAL);
    expect(server.connections).toBe(2);
  });

  it('is the reason of its caller when the caller aborts the call', async () => {
    const { server } = await serve({ intercept: () => true });
    const controller = new AbortController();
    const call = client({ url: server.url }).identity(controller.signal);
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  it.each(['POST', 'PATCH', 'DELETE', 'GET'])(
    'comes after a repetition of a %s only if it is a read',
    async (method) => {
      let sent = 0;
      const { server } = await serve({
        intercept: (request) => {
          if (request.method !== method || !/servers/.test(request.url ?? '')) return false;
          sent++;
          request.socket.destroy();
          return true;
        },
      });
      const api = client({ url: server.url });
      const call = {
        POST: () => api.add(HTTP, host(1), DEFAULT_PARAMETERS, SIGNAL),
        PATCH: () => api.drain(HTTP, 0, SIGNAL),
        DELETE: () => api.remove(HTTP, 0, SIGNAL),
        GET: () => api.upstream(HTTP, SIGNAL),
      }[method];
      await expect(call?.()).rejects.toMatchObject({ code: 'UNREACHABLE' });
      expect(sent).toBe(method === 'GET' ? 2 : 1);
    },
  );
});

describe('the API client, writing', () => {
  async function recorded() {
    const bodies: [method: string, url: string, body: string][] = [];
    const { server, nginx } = await serve({
      intercept: (request) => {
        request.on('data', (chunk) => bodies.push([request.method ?? '', request.url ?? '', String(chunk)]));
        return false;
      },
    });
    return { api: client({ url: server.url }), bodies, nginx };
  }

  it('sends only what differs from the defaults of NGINX, and no route to stream', async () => {
    const { api, bodies } = await recorded();
    await api.add(HTTP, host(1), { ...DEFAULT_PARAMETERS, weight: 2, route: 'a' }, SIGNAL);
    await api.add(STREAM, host(1), { ...DEFAULT_PARAMETERS, weight: 2, route: 'a' }, SIGNAL);
    expect(bodies).toEqual([
      ['POST', '/api/9/http/upstreams/firmware/servers/', `{"server":"${host(1)}","weight":2,"route":"a"}`],
      ['POST', '/api/9/stream/upstreams/mqtt/servers/', `{"server":"${host(1)}","weight":2}`],
    ]);
  });

  it("reads no more of the answer to a change than it takes to know that it is the API's", async () => {
    let answer = '';
    const { server } = await serve({
      intercept: (request, response) => {
        if (request.method === 'GET') return false;
        response.end(answer);
        return true;
      },
    });
    const api = client({ url: server.url });
    const changes = () => [
      api.remove(HTTP, 1, SIGNAL),
      api.drain(HTTP, 1, SIGNAL),
      api.update(HTTP, 1, { weight: 2 }, SIGNAL),
    ];
    // As the list of the servers that are left begins; what follows would be no JSON.
    for (answer of [`[{"id":${'x'.repeat(100_000)}`, '', ' \n{}']) await Promise.all(changes());
    answer = '<title>It works!</title>';
    for (const change of changes()) await expect(change).rejects.toThrow(/"It works!", not the API's/);
  });

  it('drains http by drain and stream by down, and never by both', async () => {
    const { api, bodies, nginx } = await recorded();
    nginx.place(HTTP, host(1));
    nginx.place(STREAM, host(1));
    await api.drain(HTTP, 0, SIGNAL);
    await api.drain(STREAM, 0, SIGNAL);
    expect(bodies.map(([, , body]) => body)).toEqual(['{"drain":true}', '{"down":true}']);
  });

  it('keeps connections for the next calls, up to its limit', async () => {
    const { server } = await serve();
    const api = client({ url: server.url, connections: 3 });
    for (let round = 0; round < 5; round++) {
      const many = Array.from({ length: 20 }, (_, i) => address(`10.0.${round}.${i + 1}:80`));
      await Promise.all(many.map((each) => api.add(HTTP, each, DEFAULT_PARAMETERS, SIGNAL)));
    }
    expect(server.connections).toBeLessThanOrEqual(3);
  });

  it('sends a user and password', async () => {
    const seen: (string | undefined)[] = [];
    const { server } = await serve({
      intercept: (request) => {
        seen.push(request.headers.authorization);
        return false;
      },
    });
    await client({ url: server.url, auth: { username: 'lb', password: 'pä:ss' } }).identity(SIGNAL);
    expect(new Set(seen)).toEqual(new Set([`Basic ${Buffer.from('lb:pä:ss').toString('base64')}`]));
  });

  it('sends a bearer token', async () => {
    const seen: (string | undefined)[] = [];
    const { server } = await serve({
      intercept: (request) => {
        seen.push(request.headers.authorization);
        return false;
      },
    });
    await client({ url: server.url, auth: { token: 'a-token' } }).identity(SIGNAL);
    expect(new Set(seen)).toEqual(new Set(['Bearer a-token']));
  });
});

describe('a Unix socket', () => {
  it('is called with the path behind it, and /api where there is none', async () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'api.sock');
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.headers.host} ${request.url}`);
      response.end(request.url?.endsWith('/nginx') ? '{"generation":7}' : '[9]');
    });
    server.listen(path);
    await once(server, 'listening');
    closers.push(() => promisify(server.close.bind(server))());
    expect(await client({ url: `unix:${path}:/gateway/api/` }).identity(SIGNAL)).toMatchObject({
      generation: 7,
    });
    await client({ url: `unix:${path}` }).identity(SIGNAL);
    expect(asked).toEqual([
      'localhost /gateway/api/',
      'localhost /gateway/api/9/nginx',
      'localhost /api/',
      'localhost /api/9/nginx',
    ]);
  });

  it('is unreachable where it does not exist', async () => {
    await expect(client({ url: 'unix:/nonesuch/api.sock:/api' }).identity(SIGNAL)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('/nonesuch/api.sock') as string,
    });
  });
});

describe('TLS', () => {
  it('trusts the given authority, and sends a client certificate', async () => {
    using authority = new Authority();
    const { ca } = authority;
    const { server } = await serve({
      tls: { ...authority.issue('localhost'), ca, requestCert: true, rejectUnauthorized: true },
    });
    const { cert, key } = authority.issue('watcher');
    const tls = { ca, cert, key };
    expect(await client({ url: server.url, tls }).upstreams('http', SIGNAL)).toEqual(['firmware']);
    await expect(client({ url: server.url, tls: { ca } }).identity(SIGNAL)).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
  });

  it('trusts no other authority, and no other name', async () => {
    using authority = new Authority();
    using other = new Authority();
    const { server } = await serve({ tls: authority.issue('lb', ['DNS:lb.example']) });
    const trusting = (tls: NonNullable<NginxApiOptions['tls']>) =>
      client({ url: server.url, tls }).identity(SIGNAL);
    const { ca } = authority;
    await expect(trusting({ ca: other.ca, serverName: 'lb.example' })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
    await expect(trusting({ ca })).rejects.toMatchObject({ code: 'UNREACHABLE' });
    await expect(trusting({ ca, serverName: 'lb.example' })).resolves.toMatchObject({ version: 'fake' });
  });
});
