import { describe, expect, it, vi } from 'vitest';
import { NEVER } from '../../../../src/async/abort.js';
import { writeOffering } from '../../../../src/daemon/firmware/write-offering.js';
import type { Offering } from '../../../../src/firmware/offering.js';
import { encode, noOptions, READY_KEY, SLOTS_KEY } from '../../../../src/firmware/shared/catalogue.js';
import { FakeKeyvals } from '../../../support/fake-keyvals.js';

function value(revision: number, salt = 's'): string {
  return encode({
    ...{ revision, salt, buckets: 0, downgrade: false, groups: [], options: noOptions() },
    stable: undefined,
    candidate: undefined,
  });
}

function offering(revision: number, salt?: string): Offering {
  return {
    revision,
    types: new Map([['lamp', value(revision, salt)]]),
    stones: new Map(),
    members: new Map([['lamp/id/one', 'bench']]),
    slots: { all: 300, byRegion: new Map() },
    problems: [],
  };
}

/** An etcd at this revision. */
function at(revision: number): () => Promise<number> {
  return () => Promise.resolve(revision);
}

describe('writeOffering', () => {
  it('writes members first, then types, and the key with the revision last', async () => {
    const keyvals = new FakeKeyvals('firmware');

    expect(await writeOffering(keyvals, offering(7), at(9), NEVER)).toEqual({ written: 4 });

    expect(keyvals.changes).toEqual([`set ${SLOTS_KEY}`, 'set lamp/id/one', 'set lamp', `set ${READY_KEY}`]);
    expect(keyvals.zones.get('firmware')?.get('lamp')).toBe(value(7));
  });

  it('writes stepping stones before the types that name them, and removes those that are none any more', async () => {
    const keyvals = new FakeKeyvals('firmware');
    const stones = new Map([['lamp/via/1.5.0', 'the stone']]);
    await writeOffering(keyvals, { ...offering(7), stones }, at(9), NEVER);
    expect(keyvals.changes.slice(2)).toEqual(['set lamp/via/1.5.0', 'set lamp', `set ${READY_KEY}`]);

    await writeOffering(keyvals, offering(8), at(9), NEVER);
    expect(keyvals.zones.get('firmware')?.has('lamp/via/1.5.0')).toBe(false);
  });

  it('says what the servers of each region carry, and removes that of a region that has none any more', async () => {
    const keyvals = new FakeKeyvals('firmware');
    const slots = { all: 300, byRegion: new Map([['eu', 100]]) };
    await writeOffering(keyvals, { ...offering(7), slots }, at(9), NEVER);
    expect(keyvals.zones.get('firmware')?.get('/slots/eu')).toBe('100');

    await writeOffering(keyvals, offering(8), at(9), NEVER);
    expect(keyvals.zones.get('firmware')?.has('/slots/eu')).toBe(false);
  });

  it('writes nothing if only the revision is different', async () => {
    const keyvals = new FakeKeyvals('firmware');
    await writeOffering(keyvals, offering(7), at(9), NEVER);

    expect(await writeOffering(keyvals, offering(8), at(9), NEVER)).toEqual({ written: 0 });
  });

  it('never writes an older revision over a newer one, and removes nothing beside it', async () => {
    const keyvals = new FakeKeyvals('firmware');
    await writeOffering(keyvals, offering(9, 'new'), at(9), NEVER);
    keyvals.zones.get('firmware')?.set('lamp/id/two', 'beta');

    await writeOffering(keyvals, offering(8, 'old'), at(9), NEVER);

    expect(keyvals.zones.get('firmware')?.get('lamp')).toBe(value(9, 'new'));
    expect(keyvals.zones.get('firmware')?.get('lamp/id/two')).toBe('beta');
  });

  it('replaces and removes values of revisions that etcd has not reached, since it was restored or set up anew', async () => {
    const keyvals = new FakeKeyvals('firmware');
    await writeOffering(keyvals, offering(9, 'old'), at(9), NEVER);
    keyvals.zones.get('firmware')?.set('lamp/id/two', 'beta');

    expect(await writeOffering(keyvals, offering(5, 'new'), at(6), NEVER)).toEqual({ written: 2 });

    expect(keyvals.zones.get('firmware')?.get('lamp')).toBe(value(5, 'new'));
    expect(keyvals.zones.get('firmware')?.has('lamp/id/two')).toBe(false);
  });

  it('asks etcd for its revision only if NGINX has a higher one than the offering', async () => {
    const keyvals = new FakeKeyvals('firmware');
    const currentRevision = vi.fn(at(9));
    await writeOffering(keyvals, offering(7), currentRevision, NEVER);
    await writeOffering(keyvals, offering(8, 'new'), currentRevision, NEVER);
    expect(currentRevision).not.toHaveBeenCalled();
    await writeOffering(keyvals, offering(7), currentRevision, NEVER);
    expect(currentRevision).toHaveBeenCalledTimes(1);
  });

  it('removes what is no longer offered', async () => {
    const keyvals = new FakeKeyvals('firmware');
    await writeOffering(keyvals, offering(7), at(9), NEVER);

    const nothing = {
      ...{ revision: 8, types: new Map(), stones: new Map(), members: new Map() },
      ...{ slots: { all: 300, byRegion: new Map() }, problems: [] },
    };
    expect(await writeOffering(keyvals, nothing, at(9), NEVER)).toEqual({ written: 2 });
    expect([...(keyvals.zones.get('firmware')?.keys() ?? [])]).toEqual([SLOTS_KEY, READY_KEY]);
  });

  it('replaces a value that cannot be read', async () => {
    const keyvals = new FakeKeyvals('firmware');
    keyvals.zones.get('firmware')?.set('lamp', 'nonsense');

    await writeOffering(keyvals, offering(7), at(9), NEVER);

    expect(keyvals.zones.get('firmware')?.get('lamp')).toBe(value(7));
  });

  it('reports that NGINX has no zone for firmware', async () => {
    expect(await writeOffering(new FakeKeyvals('other'), offering(7), at(9), NEVER)).toBe('no-zone');
  });
});
