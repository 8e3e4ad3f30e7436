import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NginxError } from '../../../../src/core/errors.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Offerer } from '../../../../src/daemon/firmware/offerer.js';
import { MIN_WRITTEN } from '../../../../src/daemon/firmware/write-offering.js';
import { encodeGroup } from '../../../../src/firmware/group.js';
import { groupKey, outcomesKey, releaseKey, rolloutKey, typeKey } from '../../../../src/firmware/keys.js';
import { encodeOutcomes, NO_COUNTS } from '../../../../src/firmware/outcomes.js';
import { encodeRelease, type Release } from '../../../../src/firmware/release.js';
import { encodeRollout, type Rollout } from '../../../../src/firmware/rollout.js';
import { READY_KEY, SLOTS_KEY } from '../../../../src/firmware/shared/catalogue.js';
import type { ReleaseKeys } from '../../../../src/firmware/signature.js';
import { encodeType } from '../../../../src/firmware/type-record.js';
import { FakeFirmwareNginx } from '../../../support/fake-firmware-nginx.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { releaseKeyPair } from '../../../support/release-signer.js';
import { recordingLog, recordingMeter } from '../../../support/silent.js';

const AT = '2026-11-27T12:00:00.000Z';
const PREFIXES = DEFAULT_KEY_PREFIXES;

function release(version: string): Release {
  return {
    ...{ version, publishedAt: AT, publishedBy: 'ci' },
    plain: { sha256: 'a'.repeat(64), md5: 'b'.repeat(32), size: 1_000 },
    image: { chip: 'esp32', secureBoot: 'none' },
  };
}

/** The stable version that devices of type lamp are offered; undefined while nothing is. */
function stableAt(nginx: FakeFirmwareNginx): string | undefined {
  return nginx.catalogue('lamp')?.stable?.version;
}

describe('Offerer', () => {
  let registry: FakeRegistry;
  let first: FakeFirmwareNginx;
  let second: FakeFirmwareNginx;
  let log: ReturnType<typeof recordingLog>;
  let meter: ReturnType<typeof recordingMeter>;
  let offerer: Offerer;
  let stop: AbortController;
  let done: Promise<void>;
  let published: number;
  let releaseKeys: ReleaseKeys | undefined;

  beforeEach(async () => {
    vi.useFakeTimers({ now: Date.parse(AT) });
    releaseKeys = undefined;
    registry = new FakeRegistry();
    first = new FakeFirmwareNginx('first');
    second = new FakeFirmwareNginx('second');
    log = recordingLog();
    meter = recordingMeter();
    stop = new AbortController();
    registry.write(typeKey(PREFIXES, 'lamp'), encodeType({ chip: 'esp32', forms: ['file'] }));
    published = publish('1.0.0');
    stable('1.0.0');
    offerer = new Offerer(
      { prefixes: PREFIXES, service: 'firmware', origin: 'https://ota.example.com' },
      {
        ...{ reader: registry, store: registry, nginx: [first, second], log, meter },
        ...{ wallClock: () => Date.now(), releaseKeys: () => releaseKeys, random: () => 0.5 },
      },
    );
    done = offerer.run(stop.signal);
    await pass();
  });
  afterEach(async () => {
    stop.abort();
    await done;
    vi.useRealTimers();
  });

  const pass = (ms = 100) => vi.advanceTimersByTimeAsync(ms);

  function publish(version: string, one = release(version)): number {
    return registry.write(releaseKey(PREFIXES, 'lamp', version), encodeRelease(one));
  }

  function stable(version: string): void {
    const rollout = { by: 'ann', at: AT, stable: version, downgrade: false, secureVersion: 0 };
    registry.write(rolloutKey(PREFIXES, 'lamp'), encodeRollout(rollout));
  }

  function register(host: number, revision: number | undefined, more = {}): void {
    const meta = revision === undefined ? {} : { firmware: String(revision) };
    registry.write(`/services/firmware/10.0.0.${host}:8080`, JSON.stringify({ meta, ...more }));
  }

  it('writes nothing while no firmware server is registered', () => {
    expect(first.changes).toEqual([]);
    expect(offerer.status().nginx.map(({ state }) => state)).toEqual(['pending', 'pending']);
  });

  it('offers a release on every NGINX once every registered server holds it', async () => {
    register(1, published);
    register(2, published - 1);
    await pass();
    expect([stableAt(first), first.zones.get('firmware')?.get(READY_KEY)]).toEqual([undefined, '1']);

    register(2, published);
    await pass();
    expect([stableAt(first), stableAt(second)]).toEqual(['1.0.0', '1.0.0']);
    expect(offerer.status().nginx.map(({ state }) => state)).toEqual(['in-sync', 'in-sync']);
  });

  it.each([
    ['drains itself', () => register(2, undefined, { drain: true })],
    ['is drained by an operator', () => registry.write('/sidekick/maintenance/firmware/10.0.0.2:8080', '{}')],
    ['is gone', () => registry.delete('/services/firmware/10.0.0.2:8080')],
  ])('does not wait for a server that %s', async (_, leave) => {
    register(1, published);
    register(2, undefined);
    await pass();
    expect(stableAt(first)).toBeUndefined();

    leave();
    await pass();
    expect(stableAt(first)).toBe('1.0.0');
  });

  it.each(['nonsense {', '{"meta":{"firmware":"-1"}}', '{"meta":{"firmware":"1e99"}}'])(
    'offers nothing while a server is registered with %j',
    async (value) => {
      register(1, published);
      registry.write('/services/firmware/10.0.0.2:8080', value);
      await pass();
      expect(stableAt(first)).toBeUndefined();
    },
  );

  it('keeps its offers when every server is gone, and while etcd is unavailable', async () => {
    register(1, published);
    await pass();
    registry.fault('down');
    await pass(60_000);
    registry.fault('none');
    registry.delete('/services/firmware/10.0.0.1:8080');
    await pass(60_000);
    expect(stableAt(first)).toBe('1.0.0');
  });

  it('offers what a restored etcd says, though its revision is lower than that of the last offer', async () => {
    register(1, published);
    const restore = registry.snapshot();
    publish('2.0.0');
    stable('2.0.0');
    register(1, registry.revision);
    await pass();
    expect(stableAt(first)).toBe('2.0.0');

    restore();
    await pass();
    expect([stableAt(first), stableAt(second)]).toEqual(['1.0.0', '1.0.0']);
  });

  it('neither reads nor writes an NGINX for outcomes alone, and shows them', async () => {
    register(1, published);
    publish('1.1.0');
    register(1, registry.revision);
    const candidate = { version: '1.1.0', salt: 's', percent: 1, groups: [] };
    const rollout = { by: 'ann', at: AT, stable: '1.0.0', candidate, downgrade: false, secureVersion: 0 };
    registry.write(rolloutKey(PREFIXES, 'lamp'), encodeRollout(rollout));
    await pass();
    const asked = vi.spyOn(first, 'keyvals');
    const counts = new Map([['1.1.0', { ...NO_COUNTS, booted: 3 }]]);
    const outcomes = { nginx: 'first', at: AT, sample: 1, counts };
    registry.write(outcomesKey(PREFIXES, 'lamp', 'a'.repeat(16)), encodeOutcomes(outcomes));
    await pass();
    expect(asked).not.toHaveBeenCalled();
    expect(offerer.status().types[0]?.progress?.all.booted).toBe(3);
  });

  it('shares the slots of the firmware servers among its NGINX, those that answer no devices left out', async () => {
    const slots = () => first.zones.get('firmware')?.get(SLOTS_KEY);
    register(1, published, { meta: { firmware: String(published), slots: '50' } });
    register(2, published);
    await pass();
    expect(slots()).toBe('75');

    registry.delete('/services/firmware/10.0.0.2:8080');
    await pass();
    expect(slots()).toBe('25');

    second.zones.clear();
    await pass(20_000);
    expect(slots()).toBe('50');
  });

  it('says what is offered, and which server a release waits for', async () => {
    register(1, published);
    await pass();
    expect(offerer.status()).toMatchObject({
      servers: [{ address: '10.0.0.1:8080', heldUpTo: published }],
      types: [{ type: 'lamp', stable: '1.0.0', offered: ['1.0.0'], withheld: [] }],
    });

    register(2, published - 1);
    await pass();
    expect(offerer.status().types[0]).toMatchObject({
      offered: [],
      withheld: [{ version: '1.0.0', reason: '10.0.0.2:8080 lacks a file of lamp 1.0.0' }],
    });
  });

  it('writes again to an NGINX that lost its state, and to one that was unavailable', async () => {
    register(1, published);
    second.fault = new NginxError('UNREACHABLE', 'down');
    await pass();
    expect(offerer.status().nginx[1]).toMatchObject({ nginx: 'second', state: 'unavailable' });
    expect(log.events('firmware-offer-failed')).toHaveLength(1);

    first.zones.get('firmware')?.clear();
    second.fault = undefined;
    await pass(20_000);
    expect([stableAt(first), stableAt(second)]).toEqual(['1.0.0', '1.0.0']);
  });

  describe('a group of 2,000 devices that NGINX is slow to take', () => {
    const zone = () => first.zones.get('firmware');
    const members = () => [...(zone()?.keys() ?? [])].filter((key) => key.startsWith('plug/id/')).length;

    function rollOut(type: string, change: Partial<Rollout>): void {
      const candidate = { version: '1.1.0', salt: 's', percent: 0, groups: ['bench'] };
      const rollout = { by: 'ann', at: AT, candidate, downgrade: false, secureVersion: 0, ...change };
      registry.write(rolloutKey(PREFIXES, type), encodeRollout(rollout));
    }

    beforeEach(async () => {
      publish('1.1.0');
      registry.write(groupKey(PREFIXES, 'lamp', 'bench'), encodeGroup(['one']));
      rollOut('lamp', {});
      registry.write(typeKey(PREFIXES, 'plug'), encodeType({ chip: 'esp32', forms: ['file'] }));
      registry.write(releaseKey(PREFIXES, 'plug', '1.1.0'), encodeRelease(release('1.1.0')));
      register(1, registry.revision);
      await pass();
      first.latency = 5;
      const ids = Array.from({ length: 2_000 }, (_, n) => `device${n}`);
      registry.write(groupKey(PREFIXES, 'plug', 'bench'), encodeGroup(ids));
      rollOut('plug', {});
      await pass(5_000);
    });

    it('holds up no halt of another type for more than a few keys', async () => {
      expect(members()).toBeGreaterThan(500);
      expect(first.catalogue('lamp')?.groups).toEqual(['bench']);

      rollOut('lamp', { paused: { by: 'watcher', at: AT } });
      await pass((MIN_WRITTEN + 3) * 5);
      expect(first.catalogue('lamp')?.groups).toEqual([]);
      expect(members()).toBeLessThan(1_100);
      expect(offerer.status().nginx[0]?.state).toBe('pending');

      await pass(10_000);
      expect(members()).toBe(2_000);
      expect(first.catalogue('plug')?.groups).toEqual(['bench']);
      expect(offerer.status().nginx[0]?.state).toBe('in-sync');
    });

    it('holds up no halt of its own type, either', async () => {
      rollOut('plug', { paused: { by: 'watcher', at: AT } });
      await pass((MIN_WRITTEN + 3) * 5);
      expect(first.catalogue('plug')?.groups).toEqual([]);
    });

    it('is said to be in NGINX once all of it is, with all keys that were written', async () => {
      rollOut('lamp', { paused: { by: 'watcher', at: AT } });
      await pass(10_000);
      const said = log.events('firmware-offered').filter(({ fields }) => fields.nginx === 'first');
      expect(said.at(-1)?.fields.keys).toBe(2_002);
    });
  });

  describe('with release keys', () => {
    const MINUTE = 60_000;
    const pair = releaseKeyPair(120);

    beforeEach(async () => {
      releaseKeys = pair.keys;
      register(1, publish('1.1.0', pair.signed('lamp', release('1.1.0'))));
      await pass();
    });

    it('offers what is signed, and nothing else', async () => {
      // Published before there were keys, and so without a signature.
      expect(stableAt(first)).toBeUndefined();
      stable('1.1.0');
      await pass();
      expect([stableAt(first), stableAt(second)]).toEqual(['1.1.0', '1.1.0']);
      expect(offerer.status().types[0]).toMatchObject({
        offered: ['1.1.0'],
        rejected: [{ version: '1.0.0', reason: 'the release is not signed' }],
      });
      expect(meter.value('sidekick_rejected_releases', { type: 'lamp' })).toBe(1);
    });

    it('shows no type as having rejected releases any more once all of its releases are signed', async () => {
      register(1, publish('1.0.0', pair.signed('lamp', release('1.0.0'))));
      await pass();
      expect(meter.value('sidekick_rejected_releases', { type: 'lamp' })).toBeUndefined();
    });

    it('offers nothing in place of a release whose record was changed, and says so once', async () => {
      stable('1.1.0');
      await pass();
      const changed = {
        ...pair.signed('lamp', release('1.1.0')),
        plain: { ...release('1.1.0').plain, size: 9 },
      };
      register(1, publish('1.1.0', changed));
      await pass(60_000);
      expect([stableAt(first), stableAt(second)]).toEqual([undefined, undefined]);
      expect(log.events('firmware-rejected').filter(({ fields }) => fields.version === '1.1.0')).toHaveLength(
        1,
      );
    });

    it('offers a release from its time on until it expires, although nothing changes in etcd', async () => {
      const later = { ...release('1.2.0'), publishedAt: new Date(Date.parse(AT) + MINUTE).toISOString() };
      register(1, publish('1.2.0', pair.signed('lamp', later)));
      stable('1.2.0');
      await pass(MINUTE / 2);
      expect(stableAt(first)).toBeUndefined();

      await pass(MINUTE);
      expect(stableAt(first)).toBe('1.2.0');

      await pass(2 * MINUTE);
      expect(stableAt(first)).toBeUndefined();
      expect(offerer.status().types[0]?.withheld).toMatchObject([
        {
          version: '1.2.0',
          reason: expect.stringMatching(/^the signature expired at 2026-11-27T12:03:00/) as string,
        },
      ]);
    });

    it('leads devices to no stepping stone whose signature is not right, and past none', async () => {
      const stone = { ...release('1.0.5'), through: true as const };
      register(1, publish('1.0.5', stone));
      stable('1.1.0');
      await pass();
      expect(first.catalogue('lamp')?.options.via).toEqual(['1.0.5']);
      expect(first.zones.get('firmware')?.has('lamp/via/1.0.5')).toBe(false);
    });

    it('checks with other keys as soon as they are there', async () => {
      stable('1.1.0');
      await pass();
      releaseKeys = releaseKeyPair().keys;
      offerer.releaseKeysChanged();
      await pass();
      expect(stableAt(first)).toBeUndefined();
    });
  });
});
