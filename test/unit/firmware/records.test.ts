import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/result.js';
import { decodeGroup, encodeGroup } from '../../../src/firmware/group.js';
import { decodeLogEntry, encodeLogEntry } from '../../../src/firmware/log-entry.js';
import {
  type Counts,
  decodeOutcomes,
  encodeOutcomes,
  NO_COUNTS,
  readReport,
} from '../../../src/firmware/outcomes.js';
import {
  decodeRelease,
  encodeRelease,
  etagOf,
  mtimeOf,
  type Release,
  releaseId,
} from '../../../src/firmware/release.js';
import { decodeRollout, encodeRollout, parsePercent } from '../../../src/firmware/rollout.js';
import { decodeType, encodeType, readClientId } from '../../../src/firmware/type-record.js';
import { HARMFUL, hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';
import * as arbitrary from './support/arbitraries.js';

const EXAMPLE: Release = {
  version: '1.3.0',
  publishedAt: '2026-11-27T12:00:00.000Z',
  publishedBy: 'ci@build1',
  plain: { sha256: 'a'.repeat(64), md5: 'b'.repeat(32), size: 1_048_576 },
  image: { chip: 'esp32s3', secureBoot: 'none' },
  from: '1.1.0',
  through: true,
  critical: true,
  signature: {
    keyId: '0123456789abcdef',
    value: `${'A'.repeat(86)}==`,
    notBefore: '2026-11-27T12:00:00.000Z',
    expires: '2027-02-25T12:00:00.000Z',
  },
};

/** Every record's reader, with an example of what it reads. */
const READERS: readonly (readonly [string, (text: string) => Result<unknown>, string])[] = [
  ['type', decodeType, encodeType({ chip: 'esp32', forms: ['esp32fota'], signatureLength: 512 })],
  ['release', (text) => decodeRelease('1.3.0', text), encodeRelease(EXAMPLE)],
  [
    'rollout',
    decodeRollout,
    encodeRollout({
      by: 'root@lb1',
      at: '2026-11-27T12:00:00.000Z',
      stable: '1.2.0',
      candidate: { version: '1.3.0', salt: 'toaster-1.3.0', percent: 12.5, groups: ['beta'] },
      paused: { by: 'root@lb1', at: '2026-11-27T12:01:00.000Z', reason: 'too warm' },
      downgrade: false,
      secureVersion: 2,
    }),
  ],
  [
    'outcomes',
    decodeOutcomes,
    encodeOutcomes({
      nginx: 'lb1',
      at: '2026-11-27T12:00:00.000Z',
      sample: 1,
      counts: new Map([['1.3.0', { ...NO_COUNTS, offered: 3 }]]),
      shadow: new Map([['1.4.0', new Map([['1.3.0', 7]])]]),
    }),
  ],
  ['group', decodeGroup, encodeGroup(['24:6f:28:aa:bb:cc', 'bench-1'])],
  [
    'log entry',
    decodeLogEntry,
    encodeLogEntry({ by: 'root@lb1', at: '2026-11-27T12:00:00.000Z', action: 'pause', text: 'paused' }),
  ],
];

it('has no counter of 0 that an older sidekick does not know', () => {
  const of = (counts: Partial<Counts>) =>
    encodeOutcomes({
      ...{ nginx: 'lb1', at: '2026-11-27T12:00:00.000Z', sample: 1 },
      counts: new Map([['1.3.0', { ...NO_COUNTS, ...counts }]]),
    });
  expect(of({})).not.toMatch(/"known"|returned|answered/);
  expect(decodeOutcomes(of({ returned: 2 }))).toMatchObject({
    value: { counts: new Map([['1.3.0', { ...NO_COUNTS, returned: 2 }]]) },
  });
});

it.each([
  '{id}',
  'lamp-{id}',
  'a:{id}@home',
  '{id',
  'lamp',
  '{id}{id}',
  'a;{id}',
  'a {id}',
  'a={id}',
  `${'a'.repeat(61)}{id}`,
])('takes for a pattern of ClientIds what NGINX can be told: %s', (pattern) => {
  const isGood = ['{id}', 'lamp-{id}', 'a:{id}@home'].includes(pattern);
  expect(readClientId(pattern).ok).toBe(isGood);
});

function hundred(): [string, object][] {
  return Array.from({ length: 100 }, (_, i) => [`${i}.0.0`, NO_COUNTS]);
}

function reasonOf(result: Result<unknown>): string {
  return result.ok ? 'accepted' : result.reason;
}

describe('a record of firmware', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(
        arbitrary.firmwareType,
        arbitrary.release,
        arbitrary.rollout,
        arbitrary.logEntry,
        arbitrary.outcomes,
        (type, release, rollout, entry, outcomes) => {
          expect(decodeOutcomes(encodeOutcomes(outcomes))).toEqual({ ok: true, value: outcomes });
          expect(decodeType(encodeType(type))).toEqual({ ok: true, value: type });
          expect(decodeRelease(releaseId(release), encodeRelease(release))).toEqual({
            ok: true,
            value: release,
          });
          expect(decodeRollout(encodeRollout(rollout))).toEqual({ ok: true, value: rollout });
          expect(decodeLogEntry(encodeLogEntry(entry))).toEqual({ ok: true, value: entry });
        },
      ),
    );
  });

  it.each(READERS)(
    'never throws as %s, and names nothing harmful, whoever wrote it',
    (_, decode, example) => {
      expect(decode(example)).toMatchObject({ ok: true });
      const names = Object.keys(JSON.parse(example) as object);
      fc.assert(
        fc.property(hostileText, fc.anything(), fc.constantFrom(...names), (text, anything, name) => {
          const damaged = { ...(JSON.parse(example) as object), [name]: anything };
          for (const value of [
            text,
            JSON.stringify(anything),
            JSON.stringify(damaged),
            example.slice(0, -1),
          ]) {
            const result = decode(value ?? '');
            expect(reasonOf(result)).not.toMatch(HARMFUL);
            if (result.ok) expect(JSON.stringify(result.value)).not.toMatch(HARMFUL);
          }
        }),
      );
      expect(decode('['.repeat(500_000))).toMatchObject({ ok: false });
      expect(decode(`{"a":${'['.repeat(2000)}`)).toMatchObject({ ok: false });
    },
  );

  it.each(READERS)(
    'is refused as %s with an unknown field, since that may limit who is offered what',
    (_, decode, example) => {
      const extended = { ...(JSON.parse(example) as object), phases: ['1%'] };
      expect(reasonOf(decode(JSON.stringify(extended)))).toBe(
        '"phases" is not known here: a newer sidekick may have written it',
      );
    },
  );

  it.each(READERS)('is refused as %s with the name of the missing or wrong field', (_, decode, example) => {
    const fields = JSON.parse(example) as Record<string, unknown>;
    for (const name of Object.keys(fields)) {
      expect(reasonOf(decode(JSON.stringify({ ...fields, [name]: { a: 1 } })))).toContain(name);
    }
    expect(reasonOf(decode('{}'))).toMatch(/^\w+ is missing$/);
  });

  it('is refused as a release under the key of another version', () => {
    expect(reasonOf(decodeRelease('1.3.1', encodeRelease(EXAMPLE)))).toBe(
      'version must be 1.3.1, as in its key, got 1.3.0',
    );
  });

  it('is read as a report of an NGINX, with versions as they were published and members of a newer one', () => {
    const text = `{"epoch":"0123456789abcdef","sample":2,"flights":3,"downloads":1,"news":[],
      "counts":{"lamp":{"7":${JSON.stringify({ ...NO_COUNTS, offered: 3 })}}},
      "shadow":{"lamp":{"1.4.0":{"1.3.0":7,"other":1}}}}`;
    expect(readReport(JSON.parse(text))).toEqual({
      ok: true,
      value: {
        ...{ epoch: '0123456789abcdef', sample: 2, flights: 3, downloads: 1 },
        counts: new Map([['lamp', new Map([['7.0.0', { ...NO_COUNTS, offered: 3 }]])]]),
        shadow: new Map([
          [
            'lamp',
            new Map([
              [
                '1.4.0',
                new Map([
                  ['1.3.0', 7],
                  ['other', 1],
                ]),
              ],
            ]),
          ],
        ]),
      },
    });
  });

  it.each([
    ['an epoch in another form', { epoch: '../../x' }, 'epoch must be 16 hex digits'],
    ['no sample', { sample: 0 }, 'sample must be an integer'],
    [
      'a counter below 0',
      { counts: { lamp: { '1.3.0': { ...NO_COUNTS, booted: -1 } } } },
      'counts.lamp.1.3.0.booted',
    ],
    ['a counter that is missing', { counts: { lamp: { '1.3.0': { offered: 1 } } } }, 'downloaded is missing'],
    ['a type that is none', { counts: { '../x': {} } }, 'type must be'],
    ['a version that is none', { counts: { lamp: { abc: NO_COUNTS } } }, 'must be a version'],
    ['too many versions', { counts: { lamp: Object.fromEntries(hundred()) } }, 'at most 32 members'],
  ])('is refused as a report with %s', (_, change, reason) => {
    const report = { epoch: 'a'.repeat(16), sample: 1, flights: 0, downloads: 0, counts: {}, ...change };
    expect(reasonOf(readReport(report))).toContain(reason);
  });

  it('never throws as a report, and names nothing harmful, whatever answers', () => {
    const report = { epoch: 'a'.repeat(16), sample: 1, flights: 0, downloads: 0, counts: {}, shadow: {} };
    fc.assert(
      fc.property(fc.anything(), fc.constantFrom(...Object.keys(report)), (anything, name) => {
        for (const value of [anything, { ...report, [name]: anything }]) {
          expect(reasonOf(readReport(value))).not.toMatch(HARMFUL);
        }
      }),
    );
  });

  it('has the key 7.0.0 as a release that was published as 7', () => {
    expect(releaseId({ ...EXAMPLE, version: '7' })).toBe('7.0.0');
  });

  it('is refused with the place of a nested field', () => {
    const plain = { ...EXAMPLE.plain, size: 0 };
    expect(reasonOf(decodeRelease('1.3.0', JSON.stringify({ ...EXAMPLE, plain })))).toBe(
      'plain.size must be an integer from 1 to 33554432, got "0"',
    );
  });

  it.each([
    ['signature.expires', { expires: '2027-02-25T12:00:00.500Z' }, 'must be a time in whole seconds'],
    ['signature.value', { value: 'A'.repeat(88) }, 'must be an Ed25519 signature in base64'],
    ['signature.keyId', { keyId: 'release' }, 'must be the 16 hex digits of a key'],
  ])('is refused as a release with a wrong %s', (name, change, reason) => {
    const damaged = { ...EXAMPLE, signature: { ...EXAMPLE.signature, ...change } };
    expect(reasonOf(decodeRelease('1.3.0', JSON.stringify(damaged)))).toContain(`${name} ${reason}`);
  });

  it('is refused as a release whose flags are false, which has two spellings of one thing', () => {
    expect(reasonOf(decodeRelease('1.3.0', JSON.stringify({ ...EXAMPLE, through: false })))).toBe(
      'through must be true or left out, got "false"',
    );
  });

  it('contains ids in any spelling as a group, and each device once', () => {
    expect(decodeGroup('{"ids":["24-6F-28-AA-BB-CC","Bench-1"]}')).toEqual({
      ok: true,
      value: ['24:6f:28:aa:bb:cc', 'bench-1'],
    });
    expect(reasonOf(decodeGroup('{"ids":["24-6F-28-AA-BB-CC","225106385727268"]}'))).toContain('twice');
    expect(reasonOf(decodeGroup('{"ids":["a b"]}'))).toContain('must be a MAC address');
  });

  it('fits as a group of 2,000 devices a value that every reader of etcd keeps', () => {
    const ids = Array.from(
      { length: 2000 },
      (_, i) =>
        `24:6f:28:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 255).toString(16).padStart(2, '0')}`,
    );
    const text = encodeGroup(ids);
    expect(text.length).toBeLessThan(65_536);
    expect(decodeGroup(text)).toEqual({ ok: true, value: ids });
  });

  it('gives an mtime and a size the ETag of NGINX', () => {
    expect(etagOf(mtimeOf(EXAMPLE), EXAMPLE.plain.size)).toBe('"6b0970c0-100000"');
  });

  it.each([0, 0.01, 0.1, 0.29, 1.15, 12.5, 33.33, 99.99, 100])('accepts %s as a percentage', (percent) => {
    expect(parsePercent(percent)).toEqual({ ok: true, value: percent });
  });

  it.each([-1, 100.01, 0.001, 12.345, Number.NaN, Number.POSITIVE_INFINITY, '10', undefined])(
    'rejects %s as a percentage',
    (percent) => {
      expect(parsePercent(percent)).toMatchObject({ ok: false });
    },
  );
});
