import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AdminServer, type AdminSource, startAdminServer } from '../../../src/telemetry/admin-server.js';
import { EventJournal } from '../../../src/telemetry/event-journal.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
const state = { healthy: true, ready: false };
const source: AdminSource = {
  healthy: () => state.healthy,
  ready: () => state.ready,
  metrics: () => Promise.resolve({ text: 'sidekick_ready 0\n', contentType: 'text/plain; version=0.0.4' }),
  status: () => ({ command: 'watch', ready: state.ready }),
  events: new EventJournal(Date.now),
};
let server: AdminServer;

beforeEach(async () => {
  Object.assign(state, { healthy: true, ready: false });
  server = await startAdminServer(LOOPBACK, source);
});
afterEach(() => server.close());

async function get(path: string, init?: RequestInit) {
  const response = await fetch(`${server.url}${path}`, init);
  return { status: response.status, body: await response.text(), type: response.headers.get('content-type') };
}

describe('the admin server', () => {
  it('answers /healthz by the state of the loops', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
    state.healthy = false;
    expect((await get('/healthz')).status).toBe(503);
  });

  it('answers /readyz by readiness', async () => {
    expect((await get('/readyz')).status).toBe(503);
    state.ready = true;
    expect((await get('/readyz')).status).toBe(200);
  });

  it('answers /metrics with the text of the registry', async () => {
    expect(await get('/metrics')).toEqual({
      status: 200,
      body: 'sidekick_ready 0\n',
      type: 'text/plain; version=0.0.4',
    });
  });

  it('answers /status with JSON, also with a query', async () => {
    const { status, body, type } = await get('/status?pretty');
    expect([status, type]).toEqual([200, 'application/json']);
    expect(JSON.parse(body)).toEqual({ command: 'watch', ready: false });
  });

  it('answers 404 for anything else, with what there is, and refuses writes', async () => {
    expect(await get('/')).toMatchObject({
      status: 404,
      body: 'the endpoints are /healthz, /readyz, /metrics, /status, /events\n',
    });
    expect((await get('/status', { method: 'POST', body: 'x' })).status).toBe(405);
    expect(await get('/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('answers 500 for a source that fails, and continues', async () => {
    const broken = await startAdminServer(LOOPBACK, {
      ...source,
      status: () => {
        throw new Error('broken');
      },
    });
    const response = await fetch(`${broken.url}/status`);
    expect([response.status, await response.text()]).toEqual([500, 'broken\n']);
    await broken.close();
  });

  it('rejects if the port is taken, and says what to do', async () => {
    const port = Number(new URL(server.url).port);
    await expect(startAdminServer({ host: '127.0.0.1', port }, source)).rejects.toThrow(
      `admin.listen: cannot listen on 127.0.0.1:${port}: another process listens there; give another address, or off, with --admin-listen`,
    );
  });
});

describe('the admin server with a token', () => {
  const token = 'a-token-of-some-length';
  const denied: string[] = [];
  let guarded: AdminServer;

  beforeEach(async () => {
    denied.length = 0;
    guarded = await startAdminServer(LOOPBACK, {
      ...source,
      token: () => token,
      denied: (remote) => denied.push(remote),
    });
  });
  afterEach(() => guarded.close());

  const ask = (path: string, authorization?: string) =>
    fetch(`${guarded.url}${path}`, { headers: authorization === undefined ? {} : { authorization } });

  it('asks for it, and a browser its user', async () => {
    const response = await ask('/status');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="sidekick", charset="UTF-8"');
    expect((await ask('/events?follow')).status).toBe(401);
    expect((await ask('/metrics')).status).toBe(401);
    expect((await ask('/nothing')).status).toBe(401);
    expect(denied).toEqual([]);
  });

  it('takes it as a bearer token and as a password, and tells health without', async () => {
    const basic = `Basic ${Buffer.from(`anyone:${token}`).toString('base64')}`;
    expect((await ask('/status', `Bearer ${token}`)).status).toBe(200);
    expect((await ask('/status', basic)).status).toBe(200);
    expect((await ask('/healthz')).status).toBe(200);
  });

  it('reports wrong ones', async () => {
    expect((await ask('/status', 'Bearer wrong')).status).toBe(401);
    expect(denied).toEqual(['127.0.0.1']);
  });
});

describe('the dashboard', () => {
  let watcher: AdminServer;

  beforeEach(async () => {
    watcher = await startAdminServer(LOOPBACK, {
      ...source,
      dashboard: {
        parts: () => new Map(),
        servers: ({ upstream, from, count, filter }) =>
          upstream === 'http/firmware' ? { from, count, filter } : undefined,
      },
    });
  });
  afterEach(() => watcher.close());

  it('is served with its files, which load and run nothing else', async () => {
    const response = await fetch(watcher.url);
    expect(response.url).toBe(`${watcher.url}/dashboard/`);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toContain('unsafe');
    const html = await response.text();
    const named = [...html.matchAll(/(?:href|src)="([^"#][^"]*)"/g)].map(([, path]) => path ?? '');
    expect(named).toContain('main.js');
    for (const path of named) {
      const file = await fetch(new URL(path, `${watcher.url}/dashboard/`));
      expect([path, file.status]).toEqual([path, 200]);
    }
    expect(html).not.toMatch(/<script(?![^>]*src=)|<style|style=|\son\w+=/);
  });

  it('serves no other file of its folder, and none outside of it', async () => {
    for (const path of [
      'tsconfig.json',
      '../admin-server.js',
      '%2e%2e/admin-server.js',
      '..%2fadmin-server.js',
    ]) {
      expect((await fetch(`${watcher.url}/dashboard/${path}`)).status).toBe(404);
    }
  });

  it('gives servers by the page, no more than 200, and 404 for an upstream that is not there', async () => {
    const servers = async (query: string) => fetch(`${watcher.url}/dashboard/servers?${query}`);
    const found = await servers('nginx=lb&upstream=http/firmware&from=50&count=9999999&filter=10.0');
    expect(await found.json()).toEqual({ from: 50, count: 200, filter: '10.0' });
    const odd = await servers('upstream=http/firmware&from=-1&count=x');
    expect(await odd.json()).toEqual({ from: 0, count: 200 });
    expect((await servers('upstream=http/other')).status).toBe(404);
  });

  it('is not there for a daemon that has none', async () => {
    expect((await get('/dashboard/')).status).toBe(404);
  });
});
