/** Each change of a server says why it was made, http and stream alike. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { DEFAULT_GUARD } from '../../../../src/core/guard.js';
import { HTTP, host, STREAM, useFakeClock, Watching } from '../../../support/watching.js';

beforeEach(useFakeClock);
afterEach(() => void vi.useRealTimers());

const KINDS = [
  ['http', 'firmware', HTTP],
  ['stream', 'mqtt', STREAM],
] as const;

const key = (service: string, address: Address) => `/services/${service}/${address}`;
const maintenance = (service: string, address: Address) => `/sidekick/maintenance/${service}/${address}`;

/** The last event of a name about an address: what it says of the change and why. */
function said(w: Watching, event: string, address: Address): unknown {
  const found = w.log.events(event).filter(({ fields }) => fields.address === address);
  return found.at(-1)?.fields;
}

describe.each(KINDS)('the cause of a change of a server of kind %s', (_kind, service, ref) => {
  it('is the registration that was written', async () => {
    await using w = new Watching();
    w.register(service, host(1));
    await w.pass(1_000);
    expect(said(w, 'server-added', host(1))).toMatchObject({
      service,
      cause: 'registered',
      because: 'its registration was written',
    });
    w.register(service, host(1), { weight: 3 });
    await w.pass(1_000);
    expect(said(w, 'server-updated', host(1))).toMatchObject({ service, cause: 'registered' });
  });

  it('is the registration that asks to drain, and then its end', async () => {
    await using w = new Watching();
    w.register(service, host(1));
    w.register(service, host(2));
    await w.pass(1_000);
    w.lb.set(ref, host(2), { active: 1 });
    w.register(service, host(2), { drain: true });
    await w.pass(500);
    expect(said(w, 'server-draining', host(2))).toMatchObject({ service, cause: 'drain-requested' });
    w.vanish(service, host(2));
    await w.pass(500);
    w.lb.set(ref, host(2), { active: 0 });
    await w.pass(3_000);
    expect(said(w, 'server-removed', host(2))).toMatchObject({
      service,
      cause: 'deregistered',
      reason: 'idle',
    });
  });

  it.each([
    ['its lease ended', (w: Watching, lease: string) => w.registry.expire(lease), 'lease-ended'],
    ['its key was deleted', (w: Watching) => w.vanish(service, host(2)), 'key-deleted'],
  ])('is that %s', async (_, vanish, cause) => {
    await using w = new Watching({ options: { guard: { ...DEFAULT_GUARD, grace: 1_000 } } });
    for (const n of [1, 3, 4]) w.register(service, host(n));
    const lease = w.registry.lease();
    w.registry.write(key(service, host(2)), '{}', lease);
    await w.pass(1_000);
    vanish(w, lease);
    await w.pass(3_000);
    expect(said(w, 'server-draining', host(2))).toMatchObject({ service, cause });
    await w.pass(10_000);
    expect(said(w, 'server-removed', host(2))).toMatchObject({ service, cause, reason: 'idle' });
  });

  it('is an operator who drains and undrains', async () => {
    await using w = new Watching();
    w.register(service, host(1));
    w.register(service, host(2));
    await w.pass(1_000);
    const request = { by: 'root@lb1', reason: 'new disk' };
    w.lb.set(ref, host(2), { active: 1 });
    w.registry.write(maintenance(service, host(2)), JSON.stringify(request));
    await w.pass(1_000);
    expect(said(w, 'server-draining', host(2))).toMatchObject({
      cause: 'operator-drain',
      because: 'an operator drains it by root@lb1: new disk',
    });
    w.registry.delete(maintenance(service, host(2)));
    await w.pass(1_000);
    expect(said(w, 'server-updated', host(2))).toMatchObject({ cause: 'operator-undrain' });
  });

  it('is the probe of the watcher, with its error', async () => {
    const dead = new Set<Address>();
    await using w = new Watching({
      healthCheck: ({ address }) => ({
        policy: { interval: 500, timeout: 400, rise: 1, fall: 2 },
        probe: () => (dead.has(address) ? Promise.reject(new Error('refused')) : Promise.resolve()),
      }),
    });
    w.register(service, host(1));
    w.register(service, host(2));
    await w.pass(2_000);
    dead.add(host(2));
    await w.pass(3_000);
    expect(said(w, 'server-updated', host(2))).toMatchObject({
      changes: { down: true },
      cause: 'probe-failed',
      because: 'the probe of the watcher failed: refused',
    });
    dead.clear();
    await w.pass(3_000);
    expect(said(w, 'server-updated', host(2))).toMatchObject({
      changes: { down: false },
      cause: 'probe-passed',
    });
  });

  it('is NGINX, where it has changed and etcd has not', async () => {
    await using w = new Watching();
    w.register(service, host(1));
    w.register(service, host(2));
    await w.pass(2_000);
    w.lb.meddle(ref, host(2), 'remove');
    await w.pass(31_000);
    expect(said(w, 'server-added', host(2))).toMatchObject({ service, cause: 'nginx-changed' });
    w.lb.place(ref, host(2));
    await w.pass(31_000);
    expect(said(w, 'server-removed', host(2))).toMatchObject({ cause: 'duplicate', reason: 'duplicate' });
  });

  it('is not known of a server that was registered before the watcher started', async () => {
    await using w = new Watching();
    w.lb.place(ref, host(9));
    w.register(service, host(1));
    await w.pass(5_000);
    expect(said(w, 'server-removed', host(9))).toMatchObject({ service, cause: 'not-registered' });
  });
});

describe('the cause of a guard hold', () => {
  async function held(): Promise<Watching> {
    const w = new Watching({ options: { guard: { ...DEFAULT_GUARD, grace: 1_000 } } });
    for (const n of [1, 2, 3]) w.register('firmware', host(n));
    await w.pass(1_000);
    for (const n of [2, 3]) w.vanish('firmware', host(n));
    await w.pass(1_000);
    return w;
  }
  const unheld = (w: Watching) => w.log.events('servers-unheld').map(({ fields }) => fields);

  it('is the guard, and its end that the instance is back, or that the time is over', async () => {
    await using w = await held();
    expect(w.log.events('servers-held').at(0)?.fields).toMatchObject({ service: 'firmware', cause: 'guard' });
    w.register('firmware', host(2));
    await w.pass(1_000);
    expect(unheld(w)).toMatchObject([{ addresses: [host(2)], cause: 'registered' }]);
    await w.pass(120_000);
    expect(unheld(w).at(-1)).toMatchObject({ addresses: [host(3)], cause: 'guard-hold-over' });
  });

  it('ends because an operator ends it', async () => {
    await using w = await held();
    w.registry.write('/sidekick/unhold/firmware', '');
    await w.pass(1_000);
    expect(unheld(w)).toMatchObject([{ addresses: [host(2), host(3)], cause: 'operator-unhold' }]);
  });
});
