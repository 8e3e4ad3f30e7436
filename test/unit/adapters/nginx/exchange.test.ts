import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { exchange } from '../../../../src/adapters/nginx/exchange.js';
import { isTimeout } from '../../../../src/async/abort.js';

const GET = { method: 'GET', path: '/' } as const;

/** A server that answers nothing until it is told to, behind a pool of one connection. */
async function silent() {
  const answers: (() => void)[] = [];
  const arrivals: string[] = [];
  const server = createServer((request, response) => {
    arrivals.push(request.url ?? '');
    answers.push(() => response.end(`{"path":"${request.url}"}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 1, pipelining: 1 });
  return {
    pool,
    arrivals,
    async arrived(count: number) {
      while (arrivals.length < count) await new Promise((resolve) => server.once('request', resolve));
    },
    answer: () => answers.shift()?.(),
    async [Symbol.asyncDispose]() {
      await pool.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('exchange', () => {
  it('never sends a request that was aborted while it waited for a connection, and rejects it at once', async () => {
    await using nginx = await silent();
    const { signal } = new AbortController();
    const limits = { timeout: 60_000, signal };
    const first = exchange(nginx.pool, { ...GET, path: '/first' }, limits);
    await nginx.arrived(1);
    const stop = new AbortController();
    const second = exchange(nginx.pool, { ...GET, path: '/second' }, { ...limits, signal: stop.signal });
    const third = exchange(nginx.pool, { ...GET, path: '/third' }, limits);
    const reason = new Error('enough');
    stop.abort(reason);
    await expect(second).rejects.toBe(reason);
    nginx.answer();
    expect(await first).toEqual({ status: 200, text: '{"path":"/first"}' });
    await nginx.arrived(2);
    nginx.answer();
    expect((await third).text).toBe('{"path":"/third"}');
    expect(nginx.arrivals).toEqual(['/first', '/third']);
  });

  it('rejects a request whose time is over while it waits for a connection', async () => {
    await using nginx = await silent();
    const { signal } = new AbortController();
    const first = exchange(nginx.pool, GET, { timeout: 60_000, signal });
    await nginx.arrived(1);
    const error = await exchange(nginx.pool, GET, { timeout: 20, signal }).catch((reason: unknown) => reason);
    expect(isTimeout(error)).toBe(true);
    nginx.answer();
    expect((await first).status).toBe(200);
  });

  it('leaves no listener on the signal, however it ends', async () => {
    await using nginx = await silent();
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    const good = exchange(nginx.pool, GET, { timeout: 60_000, signal });
    await nginx.arrived(1);
    nginx.answer();
    await good;
    await expect(exchange(nginx.pool, GET, { timeout: 1, signal })).rejects.toThrow('not done within 1 ms');
    expect(add).toHaveBeenCalledTimes(2);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(
      add.mock.calls.map(([, listener]) => listener),
    );
  });

  it('rejects with the reason of a signal that is aborted already', async () => {
    await using nginx = await silent();
    const reason = new Error('too late');
    const limits = { timeout: 60_000, signal: AbortSignal.abort(reason) };
    await expect(exchange(nginx.pool, GET, limits)).rejects.toBe(reason);
    expect(nginx.arrivals).toEqual([]);
  });
});
