/** Firmware of every kind that the dashboard has something to say of, as etcd holds it. */
import { NEVER } from '../../../src/async/abort.js';
import { defined } from '../../../src/core/defined.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import type { RegistryClient } from '../../../src/core/ports.js';
import { outcomesKey, releaseKey, rolloutKey, typeKey } from '../../../src/firmware/keys.js';
import { type Counts, encodeOutcomes, NO_COUNTS, type Shadowed } from '../../../src/firmware/outcomes.js';
import { encodeRelease } from '../../../src/firmware/release.js';
import { encodeRollout, type Rollout } from '../../../src/firmware/rollout.js';
import { encodeType } from '../../../src/firmware/type-record.js';

const PREFIXES = DEFAULT_KEY_PREFIXES;
const AT = '2026-11-27T12:00:00.000Z';
const AUTHOR = { by: 'ann@ops', at: AT };
const FIRST: Counts = { ...NO_COUNTS, offered: 20, downloaded: 20, booted: 20 };
const LIMIT = { maxFailures: 5, min: 30 };

/** Of an NGINX that is not there any more. */
const EPOCH = 'a'.repeat(16);

/** Writes a type with these releases, and what its rollout says. Resolves with the revision of the last release. */
async function put(
  store: Store,
  type: string,
  versions: readonly string[],
  change: Partial<Rollout>,
): Promise<number> {
  const record = encodeType({ chip: 'esp32', forms: ['file'], clientId: `${type}-{id}` });
  let revision = await write(store, typeKey(PREFIXES, type), record);
  for (const version of versions) {
    const release = encodeRelease({
      ...{ version, publishedAt: AT, publishedBy: 'ci' },
      plain: { sha256: version.replaceAll('.', '').padEnd(64, 'a'), md5: 'b'.repeat(32), size: 1_000 },
      image: { chip: 'esp32', secureBoot: 'none' },
    });
    revision = await write(store, releaseKey(PREFIXES, type, version), release);
  }
  const rollout = { ...AUTHOR, downgrade: false, secureVersion: 0, ...change };
  await write(store, rolloutKey(PREFIXES, type), encodeRollout(rollout));
  return revision;
}

type Store = Pick<RegistryClient, 'put'>;

function write(store: Store, key: string, value: string): Promise<number> {
  return store.put(key, value, {}, NEVER);
}

function counted(store: Store, type: string, version: string, counts: Partial<Counts>, shadow?: Shadowed) {
  const all = new Map([[version, { ...NO_COUNTS, ...counts }]]);
  const record = defined({ nginx: 'lb-before', at: AT, sample: 4, counts: all, shadow });
  return write(store, outcomesKey(PREFIXES, type, EPOCH), encodeOutcomes(record));
}

/**
 * - `alarm`: a candidate in its second phase, and a device in four is counted; some are known by their ClientId.
 * - `bulb`: a candidate that was halted by a watcher.
 * - `clock`: a release in shadow.
 * - `door`: a candidate for a group and for devices that are rescued, and a release that no server has.
 * - `eye`: a key that cannot be read.
 */
export async function putFirmware(store: Store): Promise<void> {
  const phases = [1, 10, 100];
  const begun = [
    { percent: 1, at: AT, counts: NO_COUNTS },
    { percent: 10, at: '2026-11-27T13:00:00.000Z', counts: FIRST },
  ];
  const alarm = { version: '1.1.0', salt: 's', percent: 10, groups: [], phases, begun };
  await put(store, 'alarm', ['1.0.0', '1.1.0'], {
    stable: '1.0.0',
    candidate: { ...alarm, gate: { after: 60, every: 3_600 }, limit: LIMIT },
  });
  await counted(store, 'alarm', '1.1.0', {
    ...{ offered: 80, downloaded: 75, booted: 58, returned: 12, failed: 1, lost: 1, unknown: 3 },
  });
  const bulb = { version: '2.1.0', salt: 's', percent: 1, groups: [], phases, begun: begun.slice(0, 1) };
  await put(store, 'bulb', ['2.0.0', '2.1.0'], {
    stable: '2.0.0',
    candidate: { ...bulb, limit: LIMIT },
    paused: {
      ...{
        by: 'watcher lb1',
        at: AT,
        reason: 'halted: 6 of 40 devices failed or were lost (15 %), the limit is 5 %',
      },
      halted: { failed: 6, lost: 0, of: 40 },
    },
  });
  await counted(store, 'bulb', '2.1.0', { offered: 50, downloaded: 45, booted: 34, failed: 6 });
  const shadow = { version: '3.0.0', salt: 's', percent: 5 };
  await put(store, 'clock', ['1.0.0', '3.0.0'], { stable: '1.0.0', shadow });
  const running = new Map([
    [
      '3.0.0',
      new Map([
        ['1.0.0', 12],
        ['other', 3],
      ]),
    ],
  ]);
  await counted(store, 'clock', '3.0.0', {}, running);
  const door = { version: '1.1.0', salt: 's', percent: 0, groups: ['office', 'bench'], rescue: ['1.0.5'] };
  await put(store, 'door', ['1.0.0', '1.1.0'], { stable: '1.0.0', candidate: door });
  const held = await put(store, 'eye', ['1.0.0'], { stable: '1.0.0' });
  await write(store, rolloutKey(PREFIXES, 'eye'), 'not JSON');
  await put(store, 'door', ['1.2.0'], { stable: '1.2.0', candidate: door });
  const registration = JSON.stringify({ meta: { firmware: String(held) } });
  await write(store, '/services/firmware/10.9.0.8:8080', registration);
}
