import { describe, expect, it, vi } from 'vitest';
import { NEVER } from '../../../../src/async/abort.js';
import { MIN_WRITTEN, writeOffering } from '../../../../src/daemon/firmware/write-offering.js';
import type { OfferedType, Offering } from '../../../../src/firmware/offering.js';
import { encode, noOptions, READY_KEY, SLOTS_KEY } from '../../../../src/firmware/shared/catalogue.js';
import { FakeKeyvals } from '../../../support/fake-keyvals.js';

function value(revision: number, salt = 's', groups = ['bench']): string {
  return encode({
    ...{ revision, salt, groups, buckets: 0, downgrade: false, options: noOptions() },
    stable: undefined,
    candidate: undefined,
  });
}

function offering(
  revision: number,
  salt?: string,
  types: Readonly<Record<string, OfferedType>> = {},
): Offering {
  const members = new Map([['lamp/id/one', 'bench']]);
  const lamp = { value: value(revision, salt), stones: new Map(), members };
  return {
    ...{ revision, slots: { all: 300, byRegion: new Map() }, problems: [] },
    types: new Map(Object.entries({ lamp, ...types })),
  };
}

/** A type whose candidate goes to a group of so many devices. */
function large(revision: number, devices: number): OfferedType {
  const members = Array.from({ length: devices }, (_, n) => [`zone/id/${n}`, 'bench'] as const);
  return { value: value(revision), stones: new Map(), members: new Map(members) };
}

/** An etcd at this revision. */
function at(revision: number): () => Promise<number> {
  return () => Promise.resolve(revision);
}

/** Writes while no newer offering comes. */
function write(keyvals: FakeKeyvals, one: Offering, currentRevision = at(9)) {
  return writeOffering(keyvals, one, { currentRevision, isOutdated: () => false }, NEVER);
}

describe('writeOffering', () => {
  it('writes members first, then types, and the key with the revision last', async () => {
    const keyvals = new FakeKeyvals('firmware');

    expect(await write(keyvals, offering(7))).toEqual({ written: 4, isComplete: true });

    expect(keyvals.changes).toEqual([`set ${SLOTS_KEY}`, 'set lamp/id/one', 'set lamp', `set ${READY_KEY}`]);
    expect(keyvals.zones.get('firmware')?.get('lamp')).toBe(value(7));
  });

  it('says what the servers of each region carry, and removes that of a region that has none any more', async () => {
    const keyvals = new FakeKeyvals('firmware');
    const slots = { all: 300, byRegion: new Map([['eu', 100]]) };
    await write(keyvals, { ...offering(7), slots });
    expect(keyvals.zones.get('firmware')?.get('/slots/eu')).toBe('100');

    await write(keyvals, offering(8));
    expect(keyvals.zones.get('firmware')?.has('/slots/eu')).toBe(false);
  });

  describe('when a newer offering comes', () => {
    it('ends after a few keys, and goes on from there', async () => {
      const keyvals = new FakeKeyvals('firmware');
      const one = offering(7, 's', { zone: large(7, 2_000) });
      const options = { currentRevision: at(9), isOutdated: () => true };
      const first = await writeOffering(keyvals, one, options, NEVER);
      expect(first).toEqual({ written: MIN_WRITTEN, isComplete: false });
      expect(keyvals.zones.get('firmware')?.has('zone')).toBe(false);
      expect(keyvals.zones.get('firmware')?.has(READY_KEY)).toBe(false);

      const rest = 4 + 2_001 - MIN_WRITTEN;
      expect(await write(keyvals, one)).toEqual({ written: rest, isComplete: true });
    });

    it('comes to an end though there is always a newer one, each with another change', async () => {
      const keyvals = new FakeKeyvals('firmware');
      const zone = () => keyvals.zones.get('firmware');
      const options = { currentRevision: at(1e6), isOutdated: () => true };
      let revision = 7;
      for (; zone()?.has('zone') !== true; revision++) {
        const one = offering(revision, `salt${revision}`, { zone: large(7, 2_000) });
        await writeOffering(keyvals, one, options, NEVER);
        expect(zone()?.get('lamp')).toBe(value(revision, `salt${revision}`));
      }
      // One key of each pass is that of the changed type.
      expect(revision - 7).toBeLessThanOrEqual(Math.ceil(2_004 / (MIN_WRITTEN - 1)));
      expect([...(zone()?.keys() ?? [])].filter((key) => key.startsWith('zone/'))).toHaveLength(2_000);
    });

    it('has what is left of it still written before the key that says that everything is there', async () => {
      const keyvals = new FakeKeyvals('firmware');
      const options = { currentRevision: at(9), isOutdated: () => true };
      const one = offering(7, 's', { zone: large(7, 30) });
      for (let pass = 0; pass < 2; pass++) await writeOffering(keyvals, one, options, NEVER);
      expect(keyvals.changes.at(-1)).toBe(`set ${READY_KEY}`);
      expect(keyvals.changes).toHaveLength(4 + 31);
    });
  });

  it('writes nothing if only the revision is different', async () => {
    const keyvals = new FakeKeyvals('firmware');
    await write(keyvals, offering(7));

    expect(await write(keyvals, offering(8))).toEqual({ written: 0, isComplete: true });
  });

  it('never writes an older revision over a newer one, and removes nothing beside it', async () => {
    const keyvals = new FakeKeyvals('firmware');
    await write(keyvals, offering(9, 'new'));
    keyvals.zones.get('firmware')?.set('lamp/id/two', 'beta');

    await write(keyvals, offering(8, 'old'));

    expect(keyvals.zones.get('firmware')?.get('lamp')).toBe(value(9, 'new'));
    expect(keyvals.zones.get('firmware')?.get('lamp/id/two')).toBe('beta');
  });

  it('replaces and removes values of revisions that etcd has not reached, since it was restored or set up anew', async () => {
    const keyvals = new FakeKeyvals('firmware');
    await write(keyvals, offering(9, 'old'));
    keyvals.zones.get('firmware')?.set('lamp/id/two', 'beta');

    expect(await write(keyvals, offering(5, 'new'), at(6))).toEqual({ written: 2, isComplete: true });

    expect(keyvals.zones.get('firmware')?.get('lamp')).toBe(value(5, 'new'));
    expect(keyvals.zones.get('firmware')?.has('lamp/id/two')).toBe(false);
  });

  it('asks etcd for its revision only if NGINX has a higher one than the offering', async () => {
    const keyvals = new FakeKeyvals('firmware');
    const currentRevision = vi.fn(at(9));
    await write(keyvals, offering(7), currentRevision);
    await write(keyvals, offering(8, 'new'), currentRevision);
    expect(currentRevision).not.toHaveBeenCalled();
    await write(keyvals, offering(7), currentRevision);
    expect(currentRevision).toHaveBeenCalledTimes(1);
  });

  it('removes what is no longer offered', async () => {
    const keyvals = new FakeKeyvals('firmware');
    await write(keyvals, offering(7));

    const nothing = {
      ...{ revision: 8, types: new Map() },
      ...{ slots: { all: 300, byRegion: new Map() }, problems: [] },
    };
    expect(await write(keyvals, nothing)).toEqual({ written: 2, isComplete: true });
    expect([...(keyvals.zones.get('firmware')?.keys() ?? [])]).toEqual([SLOTS_KEY, READY_KEY]);
  });

  it('replaces a value that cannot be read', async () => {
    const keyvals = new FakeKeyvals('firmware');
    keyvals.zones.get('firmware')?.set('lamp', 'nonsense');

    await write(keyvals, offering(7));

    expect(keyvals.zones.get('firmware')?.get('lamp')).toBe(value(7));
  });

  it('reports that NGINX has no zone for firmware', async () => {
    expect(await write(new FakeKeyvals('other'), offering(7))).toBe('no-zone');
  });
});
