import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { HTTP, host, STREAM, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const answer = (service: string, n: number) => `/sidekick/drained/${service}/${host(n)}/lb1`;

describe('the presence key', () => {
  it('names the upstreams of the watcher, under its lease', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('elsewhere', host(1));
    await w.pass(500);
    const entry = w.registry.get('/sidekick/watchers/lb1');
    expect(JSON.parse(entry?.value ?? '')).toEqual({
      nginx: ['nginx'],
      upstreams: ['http/firmware'],
      services: ['firmware'],
      held: {},
    });
    expect(entry?.lease).toBeDefined();
    w.register('mqtt', host(1));
    await w.pass(500);
    const value = JSON.parse(w.registry.get('/sidekick/watchers/lb1')?.value ?? '');
    expect(value.services).toEqual(['firmware', 'mqtt']);
  });
});

describe('a drain request', () => {
  it('is acknowledged with its revision once the server is gone; the acknowledgement is deleted with the request', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(500);
    w.lb.set(HTTP, host(2), { active: 1 });
    const revision = w.register('firmware', host(2), { drain: true });
    await w.pass(5_000);
    expect(w.registry.get(answer('firmware', 2))).toBeUndefined();
    w.lb.set(HTTP, host(2), { active: 0 });
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.registry.get(answer('firmware', 2))).toMatchObject({ value: String(revision) });
    w.vanish('firmware', host(2));
    await w.pass(500);
    expect(w.registry.get(answer('firmware', 2))).toBeUndefined();
  });

  it('is acknowledged only when no NGINX of the watcher has the server', async () => {
    const nginx = ['a', 'b'].map((name) => new FakeNginx({ name, http: ['firmware'] }));
    const [a, b] = nginx as [FakeNginx, FakeNginx];
    await using w = new Watching({ nginx });
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(500);
    b.set(HTTP, host(2), { active: 1 });
    w.register('firmware', host(2), { drain: true });
    await w.pass(5_000);
    expect(a.addresses(HTTP)).toEqual([host(1)]);
    expect(w.registry.get(answer('firmware', 2))).toBeUndefined();
    b.set(HTTP, host(2), { active: 0 });
    await w.pass(2_500);
    expect(w.registry.get(answer('firmware', 2))).toBeDefined();
  });

  it('is not acknowledged while an NGINX has never answered: it may send traffic there', async () => {
    const nginx = ['a', 'b'].map((name) => new FakeNginx({ name, http: ['firmware'] }));
    const [, b] = nginx as [FakeNginx, FakeNginx];
    b.stop();
    await using w = new Watching({ nginx });
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(500);
    w.register('firmware', host(2), { drain: true });
    await w.pass(5_000);
    expect(w.registry.get(answer('firmware', 2))).toBeUndefined();
    b.answer();
    await w.pass(2_000);
    expect(w.registry.get(answer('firmware', 2))).toBeDefined();
  });

  it('is acknowledged again when it is made again', async () => {
    await using w = new Watching();
    w.register('mqtt', host(1));
    w.register('mqtt', host(2));
    await w.pass(500);
    w.register('mqtt', host(2), { drain: true });
    await w.pass(2_000);
    w.register('mqtt', host(2));
    await w.pass(500);
    expect(w.lb.addresses(STREAM)).toEqual([host(1), host(2)]);
    expect(w.registry.get(answer('mqtt', 2))).toBeUndefined();
    const again = w.register('mqtt', host(2), { drain: true });
    await w.pass(2_000);
    expect(w.registry.get(answer('mqtt', 2))).toMatchObject({ value: String(again) });
  });

  it('counts from an operator as well, and ends with undrain', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(500);
    w.registry.write(`/sidekick/maintenance/firmware/${host(2)}`, '');
    await w.pass(2_000);
    expect(w.lb.addresses(HTTP)).toEqual([host(1)]);
    expect(w.registry.get(answer('firmware', 2))).toBeDefined();
    w.registry.delete(`/sidekick/maintenance/firmware/${host(2)}`);
    await w.pass(500);
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(2)]);
    expect(w.registry.get(answer('firmware', 2))).toBeUndefined();
  });

  it('is completed for the last server too: nothing else should serve', async () => {
    await using w = new Watching();
    w.register('mqtt', host(1));
    await w.pass(500);
    w.register('mqtt', host(1), { drain: true });
    await w.pass(2_000);
    expect(w.lb.addresses(STREAM)).toEqual([]);
    expect(w.registry.get(answer('mqtt', 1))).toBeDefined();
  });

  it('is no longer done after a reload of NGINX, until a pass has seen that the server is gone', async () => {
    await using w = new Watching();
    w.register('firmware', host(1));
    w.register('firmware', host(2));
    await w.pass(500);
    const revision = w.register('firmware', host(2), { drain: true });
    await w.pass(2_000);
    expect(w.registry.get(answer('firmware', 2))).toMatchObject({ value: String(revision) });

    const hold = new Promise<void>((resolve) => setTimeout(resolve, 5_000));
    w.lb.fault = ({ method }) => (method === 'upstream' ? { hold } : undefined);
    w.lb.place(HTTP, host(2));
    w.lb.reload();
    await w.pass(2_000);
    w.register('firmware', host(3));
    await w.pass(500);
    const whileUnread = w.registry.get(answer('firmware', 2));
    await w.pass(10_000);
    expect(whileUnread).toBeUndefined();
    expect(w.lb.addresses(HTTP)).toEqual([host(1), host(3)]);
    expect(w.registry.get(answer('firmware', 2))).toMatchObject({ value: String(revision) });
  });

  it('is acknowledged again after the lease was lost', async () => {
    await using w = new Watching();
    w.register('mqtt', host(1));
    w.register('mqtt', host(2));
    await w.pass(500);
    w.register('mqtt', host(2), { drain: true });
    await w.pass(2_000);
    const lease = w.registry.get(answer('mqtt', 2))?.lease;
    if (lease === undefined) throw new Error('no answer under a lease');
    w.registry.expire(lease);
    await w.pass(20_000);
    expect(w.registry.get(answer('mqtt', 2))).toBeDefined();
    expect(w.registry.get('/sidekick/watchers/lb1')).toBeDefined();
  });
});
