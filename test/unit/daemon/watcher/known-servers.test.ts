import { describe, expect, it } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { isOut } from '../../../../src/core/plan.js';
import type { ActualServer } from '../../../../src/core/ports.js';
import { DEFAULT_PARAMETERS } from '../../../../src/core/server-parameters.js';
import { KINDS, type UpstreamRef } from '../../../../src/core/upstream.js';
import { KnownServers } from '../../../../src/daemon/watcher/known-servers.js';
import { SOME_ADDRESSES, someAddress } from '../../../support/arbitraries.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { fc } from '../../../support/property.js';

const SIGNAL = new AbortController().signal;

/** Without the counters, which only a read shows. */
function configured(servers: Iterable<ActualServer>) {
  return [...servers]
    .map(({ id, address, parameters, draining }) => ({ id, address, parameters, draining }))
    .sort((a, b) => a.id - b.id);
}

const step = fc.record({
  type: fc.constantFrom('add' as const, 'update' as const, 'drain' as const, 'remove' as const),
  address: someAddress,
  changes: fc.constantFrom({ weight: 2 }, { down: true }, { down: false }, { weight: 3, down: false }),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Makes one call, and tells `known` of the answer, as a pass does. */
async function perform(nginx: FakeNginx, ref: UpstreamRef, known: KnownServers, each: Step): Promise<void> {
  const { type, address, changes } = each;
  if (type === 'add') {
    known.added(await nginx.add(ref, address, DEFAULT_PARAMETERS, SIGNAL));
    return;
  }
  const [server] = known.byAddress.get(address) ?? [];
  if (!server) return;
  const { id } = server;
  if (type === 'update') {
    await nginx.update(ref, id, changes, SIGNAL);
    known.done({ type, address, id, changes });
  } else if (type === 'drain') {
    await nginx.drain(ref, id, SIGNAL);
    known.done({ type, address, id });
  } else {
    await nginx.remove(ref, id, SIGNAL);
    known.done({ type, address, id, reason: 'idle' });
  }
}

describe.each(KINDS)('KnownServers of %s', (kind) => {
  const ref = { kind, name: 'group' };

  it('equals what NGINX has after any calls that NGINX has answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const nginx = new FakeNginx({ [kind]: ['group'] });
        for (const address of SOME_ADDRESSES.slice(0, 2)) nginx.place(ref, address);
        const known = new KnownServers(kind, await nginx.upstream(ref, SIGNAL));
        for (const each of steps) await perform(nginx, ref, known, each);
        const { servers } = await nginx.upstream(ref, SIGNAL);
        expect(configured(known)).toEqual(configured(servers));
        expect(known.size).toBe(servers.length);
        expect([...known.out].sort()).toEqual(
          [...new Set(servers.filter(isOut).map(({ address }) => address))].sort(),
        );
      }),
      { numRuns: 200 },
    );
  });

  const [A, B, C] = SOME_ADDRESSES as [Address, Address, Address];

  function server(id: number, address: Address, fields: Partial<ActualServer> = {}): ActualServer {
    return { id, address, parameters: DEFAULT_PARAMETERS, draining: false, failing: false, ...fields };
  }

  it('knows from the first which servers are out of rotation', () => {
    const down = { parameters: { ...DEFAULT_PARAMETERS, down: true } };
    const known = new KnownServers(kind, { servers: [server(1, A, down), server(2, B)], unmanaged: 0 });
    expect(known.out).toEqual(new Set([A]));
  });

  it('has nothing at an address whose last server was removed, so that a plan adds what is registered there', () => {
    const known = new KnownServers(kind, { servers: [server(1, A), server(2, B)], unmanaged: 3 });
    known.done({ type: 'remove', address: A, id: 1, reason: 'idle' });
    expect(known.byAddress.has(A)).toBe(false);
    expect([known.size, known.unmanaged]).toEqual([1, 3]);
  });

  it('takes over from another what that has at some addresses, without its counters, and keeps the rest', () => {
    const known = new KnownServers(kind, {
      servers: [server(1, A), server(2, B, { active: 2 })],
      unmanaged: 0,
    });
    const newer = new KnownServers(kind, {
      servers: [server(3, B, { active: 7, failing: true, draining: true }), server(4, C)],
      unmanaged: 0,
    });
    known.takeOver([A, C], newer);
    expect([...known]).toEqual([server(2, B, { active: 2 }), server(4, C)]);
    known.takeOver([B], newer);
    expect([...known]).toEqual([server(3, B, { draining: true }), server(4, C)]);
    expect([known.byAddress.has(A), known.size]).toEqual([false, 2]);
  });
});
