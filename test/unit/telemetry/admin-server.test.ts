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

  it('answers 404 for anything else, and refuses writes', async () => {
    expect((await get('/')).status).toBe(404);
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
