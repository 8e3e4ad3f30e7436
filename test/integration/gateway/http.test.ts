import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../contract/gateway/client.js';
import {
  type Gateway,
  startGateway,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { type Backend, gate, type Handler, hostAddress, startHttp } from './backends.js';

const GROUP = '/http/upstreams/firmware';

let network: TestNetwork;
let gateway: Gateway;
let api: ApiClient;
let host: string;
let backends: Backend[];

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startGateway(network);
  api = new ApiClient(gateway.api);
  host = await hostAddress(network);
});

afterAll(async () => {
  await network?.remove();
});

beforeEach(async () => {
  backends = [];
  await api.clear('http', 'firmware');
});

afterEach(async () => {
  await Promise.all(backends.map((backend) => backend.close()));
});

async function start(handler?: Handler): Promise<Backend> {
  const backend = await startHttp(host, handler);
  backends.push(backend);
  return backend;
}

async function add(server: string, more: object = {}): Promise<number> {
  return (await api.call('POST', `${GROUP}/servers`, { server, ...more })).body.id;
}

async function peer(id: number): Promise<Record<string, unknown> & { active: number }> {
  const { peers } = (await api.get(GROUP)).body;
  return peers.find((one: { id: number }) => one.id === id);
}

/** Failures counted, over all servers of the group. */
async function fails(): Promise<number> {
  const { peers } = (await api.get(GROUP)).body;
  return peers.reduce((sum: number, one: { fails: number }) => sum + one.fails, 0);
}

async function get(path = '/', init: RequestInit = {}): Promise<{ status: number; text: string }> {
  const response = await fetch(gateway.httpUrl + path, { signal: AbortSignal.timeout(20_000), ...init });
  return { status: response.status, text: await response.text() };
}

async function idle(): Promise<void> {
  await until('nothing is active', async () => {
    const { peers, zombies } = (await api.get(GROUP)).body;
    return zombies === 0 && peers.every((one: { active: number }) => one.active === 0);
  });
}

describe('a group', () => {
  it('answers 502 without servers', async () => {
    expect((await get()).status).toBe(502);
  });

  it('distributes requests exactly by weight, and shows that in its counters', async () => {
    const [first, second] = [await start(), await start()];
    const ids = [await add(first.server), await add(second.server, { weight: 2 })];
    for (let i = 0; i < 30; i++) expect((await get()).status).toBe(200);
    expect([first.hits, second.hits]).toEqual([10, 20]);
    await idle();
    const figures = await peer(ids[1] as number);
    expect(figures).toMatchObject({
      requests: 20,
      responses: { '2xx': 20, total: 20, codes: { 200: 20 } },
      fails: 0,
    });
    expect(figures.sent).toBeGreaterThan(1000);
    expect(figures.received).toBeGreaterThan(1000);
    await until('selected shows', async () => (await peer(ids[1] as number)).selected !== undefined);
  });

  it('counts the statuses of its servers', async () => {
    const backend = await start((request, response) => {
      response.writeHead(Number(request.url?.slice(1))).end();
    });
    const id = await add(backend.server);
    for (const status of [200, 204, 301, 404, 404, 500, 502, 503]) {
      expect((await get(`/${status}`, { redirect: 'manual' })).status).toBe(status);
    }
    await idle();
    expect(await peer(id)).toMatchObject({
      requests: 8,
      responses: {
        '2xx': 2,
        '3xx': 1,
        '4xx': 2,
        '5xx': 3,
        codes: { 200: 1, 204: 1, 301: 1, 404: 2, 500: 1, 502: 1, 503: 1 },
        total: 8,
      },
      fails: 0,
      state: 'up',
    });
  });
});

describe('a draining server', () => {
  /** Adds a server to the group, and begins a request that it answers only once `open` is called. */
  async function openRequest() {
    const { opened, open } = gate();
    const arrived = gate();
    const slow = await start(async (_, response) => {
      arrived.open();
      await opened;
      response.end('slow');
    });
    const id = await add(slow.server);
    const pending = get();
    await arrived.opened;
    return { id, pending, open };
  }

  it('completes its open request, gets no new one, and shows when it is idle', async () => {
    const { id, pending, open } = await openRequest();
    const other = await start();
    await add(other.server);
    await api.call('PATCH', `${GROUP}/servers/${id}`, { drain: true });
    expect(await peer(id)).toMatchObject({ state: 'draining', active: 1 });
    for (let i = 0; i < 20; i++) expect((await get()).text).toBe(other.server);
    expect(await peer(id)).toMatchObject({ state: 'draining', active: 1 });
    open();
    expect(await pending).toEqual({ status: 200, text: 'slow' });
    await idle();
    await api.call('DELETE', `${GROUP}/servers/${id}`);
  });

  it('becomes a zombie when it is deleted, until its request ends', async () => {
    const { id, pending, open } = await openRequest();
    await api.call('DELETE', `${GROUP}/servers/${id}`);
    expect((await api.get(GROUP)).body).toMatchObject({ peers: [], zombies: 1 });
    open();
    expect(await pending).toEqual({ status: 200, text: 'slow' });
    await idle();
  });

  it('fails no request while servers are added and removed under load, and nothing stays active', async () => {
    const stable = await start();
    await add(stable.server);
    let stop = false;
    const statuses = new Map<number, number>();
    const load = Array.from({ length: 12 }, async () => {
      while (!stop) {
        const { status } = await get();
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    for (let round = 0; round < 15; round++) {
      const backend = await startHttp(host);
      const id = await add(backend.server);
      await until('it is used', () => backend.hits > 5);
      await api.call('PATCH', `${GROUP}/servers/${id}`, { drain: true });
      await until('it is idle', async () => (await peer(id)).active === 0);
      // Strict: once `active` was seen at 0 behind a drain, no request may come, so the server may go.
      const hits = backend.hits;
      await backend.close();
      await api.call('DELETE', `${GROUP}/servers/${id}`);
      expect(backend.hits).toBe(hits);
    }
    stop = true;
    await Promise.all(load);
    expect([...statuses.keys()]).toEqual([200]);
    expect(statuses.get(200)).toBeGreaterThan(200);
    await idle();
    expect((await api.get(GROUP)).body.peers).toMatchObject([{ fails: 0 }]);
  });
});

describe('a failing server', () => {
  it('is replaced by another for the client, becomes unavailable, and is used again later', async () => {
    const gone = await startHttp(host);
    await gone.close();
    const good = await start();
    const id = await add(gone.server, { fail_timeout: '1s' });
    await add(good.server);
    for (let i = 0; i < 10; i++) expect(await get()).toEqual({ status: 200, text: good.server });
    expect(await peer(id)).toMatchObject({ active: 0, responses: { total: 0 } });
    expect(((await peer(id)).fails as number) > 0).toBe(true);
    await until('it is up again', async () => (await peer(id)).state === 'up');
    expect((await peer(id)).downtime as number).toBeGreaterThanOrEqual(1000);
  });

  it('is repeated with a request body that was not sent, and not with a body that was', async () => {
    const posts: string[] = [];
    const take: Handler = async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      posts.push(body);
      response.end('taken');
    };
    const gone = await startHttp(host);
    await gone.close();
    const cut = await start((request) => {
      posts.push('cut');
      request.socket.destroy();
    });
    const good = await start(take);
    await add(gone.server, { max_fails: 0 });
    const cutId = await add(cut.server, { max_fails: 0, down: true });
    await add(good.server);
    for (let i = 0; i < 4; i++)
      expect(await get('/', { method: 'POST', body: `b${i}` })).toMatchObject({ text: 'taken' });
    expect(posts).toEqual(['b0', 'b1', 'b2', 'b3']);

    await api.call('PATCH', `${GROUP}/servers/${cutId}`, { down: false });
    posts.length = 0;
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push((await get('/', { method: 'POST', body: 'once' })).status);
    // What reached a server is not repeated: as many answers of each kind as servers saw requests.
    expect(answers.filter((status) => status === 502)).toHaveLength(
      posts.filter((post) => post === 'cut').length,
    );
    expect(posts).toHaveLength(6);
    expect(posts).toContain('cut');
    for (let i = 0; i < 6; i++) expect((await get()).status).toBe(200);
    await idle();
  });

  it('is not blamed for a request that ends connections: the request goes to two servers and counts against one', async () => {
    const poisoned = await Promise.all([0, 1, 2, 3].map(() => start((request) => request.socket.destroy())));
    for (const { server } of poisoned) await add(server, { max_fails: 3 });
    expect((await get()).status).toBe(502);
    expect(poisoned.reduce((sum, { hits }) => sum + hits, 0)).toBe(2);
    expect(await fails()).toBe(1);
    await idle();
  });

  it('is not blamed for an answer that came back and cannot be forwarded; NGINX asks for it once', async () => {
    const answers = [
      'HTTP/1.1 200 OK\r\nX\0: no header\r\n\r\n',
      'HTTP/1.1 200 OK\r\nX-A: b\r\n',
      `HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(20_000)}\r\n\r\n`,
    ];
    let answer = '';
    const garblers = await Promise.all([0, 1, 2].map(() => start((request) => request.socket.end(answer))));
    for (const { server } of garblers) await add(server);
    for (answer of answers) expect((await get()).status).toBe(502);
    expect(garblers.reduce((sum, { hits }) => sum + hits, 0)).toBe(answers.length);
    for (const one of (await api.get(GROUP)).body.peers)
      expect(one).toMatchObject({ state: 'up', fails: 0, unavail: 0, responses: { total: 0 } });
    await idle();
  });

  it('causes 502 when all servers have failed, after a bounded number of tries', async () => {
    for (let i = 0; i < 8; i++) {
      const gone = await startHttp(host);
      await gone.close();
      await add(gone.server, { max_fails: 0 });
    }
    expect((await get()).status).toBe(502);
    expect(await fails()).toBe(4);
    await idle();
  });

  it('is tried again and again while there is no other server', async () => {
    let failing = true;
    const only = await start((request, response) => {
      if (failing) request.socket.destroy();
      else response.end('back');
    });
    const other = await start();
    const id = await add(only.server, { fail_timeout: '1h' });
    await add(other.server, { drain: true });
    expect((await get('/', { method: 'POST' })).status).toBe(502);
    failing = false;
    for (let i = 0; i < 5; i++)
      expect(await get('/', { method: 'POST' })).toEqual({ status: 200, text: 'back' });
    expect(await peer(id)).toMatchObject({ state: 'up', fails: 1, unavail: 0 });
    expect(other.hits).toBe(0);
  });

  it('is tried again and again when all others have failed too', async () => {
    let failing = true;
    const handler: Handler = (request, response) => {
      if (failing) request.socket.destroy();
      else response.end('back');
    };
    for (let i = 0; i < 3; i++) await add((await start(handler)).server, { fail_timeout: '1h' });
    const all = async () => (await api.get(GROUP)).body.peers as { state: string }[];
    await until('all have failed', async () => {
      expect((await get('/', { method: 'POST' })).status).toBe(502);
      return (await all()).every(({ state }) => state === 'unavail');
    });
    failing = false;
    for (let i = 0; i < 5; i++)
      expect(await get('/', { method: 'POST' })).toEqual({ status: 200, text: 'back' });
  });

  it('is replaced by a backup server', async () => {
    const gone = await startHttp(host);
    await gone.close();
    const backup = await start();
    await add(gone.server, { max_fails: 0 });
    await add(backup.server, { backup: true });
    for (let i = 0; i < 4; i++) expect(await get()).toEqual({ status: 200, text: backup.server });
  });
});

describe('max_conns', () => {
  it('limits the connections of all workers together', async () => {
    const { opened, open } = gate();
    let now = 0;
    let most = 0;
    const limited = await start(async (_, response) => {
      most = Math.max(most, ++now);
      await opened;
      now--;
      response.end('limited');
    });
    await add(limited.server, { max_conns: 3 });
    const statuses: number[] = [];
    const pending = Array.from({ length: 12 }, async () => statuses.push((await get()).status));
    await until('all are let in or refused', () => statuses.length + now === 12);
    open();
    await Promise.all(pending);
    // Two that come at once may both be refused where one had room; one too many never gets in.
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(0);
    expect(statuses.filter((status) => status === 200)).toHaveLength(most);
    expect(statuses.filter((status) => status === 502)).toHaveLength(12 - most);
    await idle();
    // Refused requests are no failures of the server.
    const { queue, peers } = (await api.get(GROUP)).body;
    expect(queue).toEqual({ size: 0, max_size: 0, overflows: 12 - most });
    expect(peers[0]).toMatchObject({
      state: 'up',
      fails: 0,
      requests: expect.any(Number),
      responses: { total: most },
    });
  });
});

describe('the gateway as a proxy', () => {
  it('forwards a large download unchanged and without holding it back', async () => {
    const content = randomBytes(32 * 1024 * 1024);
    const { opened, open } = gate();
    const backend = await start(async (_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 65_536));
      // The rest leaves only after the client has seen the beginning.
      await opened;
      response.end(content.subarray(65_536));
    });
    await add(backend.server);
    const response = await fetch(gateway.httpUrl, { signal: AbortSignal.timeout(60_000) });
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      open();
      hash.update(chunk);
      length += chunk.length;
    }
    expect(length).toBe(content.length);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it('forwards an answer with a header of 6,000 bytes, and one of 15,000', async () => {
    for (const size of [6_000, 15_000]) {
      const id = await add(
        (await start((_, response) => response.setHeader('x-long', 'a'.repeat(size)).end('long'))).server,
      );
      expect(await get()).toEqual({ status: 200, text: 'long' });
      await api.call('DELETE', `${GROUP}/servers/${id}`);
    }
  });

  it('forwards an upgrade to another protocol, and counts it as active while it lasts', async () => {
    const server = http.createServer();
    server.on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    server.listen(0, host);
    await once(server, 'listening');
    const id = await add(`${host}:${(server.address() as { port: number }).port}`);
    const request = http.request(gateway.httpUrl, {
      headers: { connection: 'Upgrade', upgrade: 'websocket' },
    });
    request.end();
    const [, socket] = (await once(request, 'upgrade')) as [unknown, import('node:net').Socket];
    expect(await peer(id)).toMatchObject({ active: 1 });
    socket.write('hello');
    const [echo] = (await once(socket, 'data')) as [Buffer];
    expect(echo.toString()).toBe('hello');
    socket.end();
    await idle();
    server.close();
  });

  it('counts a client that disconnects before its answer', async () => {
    const arrived = gate();
    const backend = await start(() => arrived.open());
    const id = await add(backend.server);
    const abort = new AbortController();
    const pending = get('/', { signal: abort.signal });
    await arrived.opened;
    expect(await peer(id)).toMatchObject({ active: 1 });
    abort.abort();
    await expect(pending).rejects.toThrow();
    await idle();
    expect(await peer(id)).toMatchObject({ requests: 1, responses: { total: 0 } });
  });
});
