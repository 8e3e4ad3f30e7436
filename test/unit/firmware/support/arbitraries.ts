/** Random records of firmware. */

import { defined } from '../../../../src/core/defined.js';
import { CHIP_NAMES } from '../../../../src/firmware/chips.js';
import type { LogEntry } from '../../../../src/firmware/log-entry.js';
import { LOGGED_ACTIONS } from '../../../../src/firmware/log-entry.js';
import { COUNTERS, type Counts, type OutcomeRecord } from '../../../../src/firmware/outcomes.js';
import type { ImageFacts, Release, ReleaseFile, ReleaseSignature } from '../../../../src/firmware/release.js';
import { SECURE_BOOTS } from '../../../../src/firmware/release.js';
import type { BegunPhase, Candidate, Rollout } from '../../../../src/firmware/rollout.js';
import {
  ANSWER_FORMS,
  type FirmwareType,
  MAX_IMAGE,
  SIGNATURE_LENGTHS,
} from '../../../../src/firmware/type-record.js';
import { fc } from '../../../support/property.js';

/** One of these characters. */
function oneOf(characters: string): fc.Arbitrary<string> {
  return fc.constantFrom(...characters.split(''));
}

function hex(length: number): fc.Arbitrary<string> {
  return fc.string({ unit: oneOf('0123456789abcdef'), minLength: length, maxLength: length });
}

function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined });
}

const part = fc.integer({ min: 0, max: 2_147_483_647 });

/** A version as it may be published. */
export const version: fc.Arbitrary<string> = fc.oneof(
  fc.integer({ min: 0, max: 65_535 }).map(String),
  fc.tuple(part, part).map((parts) => parts.join('.')),
  fc.tuple(part, part, part).map((parts) => parts.join('.')),
  fc
    .tuple(part, fc.constantFrom('rc.1', 'rc.2', 'rc.10', 'beta', 'alpha.beta'))
    .map(([n, pre]) => `${n}.0.0-${pre}`),
);

/** A version in its normal spelling. */
export const releaseId: fc.Arbitrary<string> = fc.tuple(part, part, part).map((parts) => parts.join('.'));

const plainName = fc
  .string({
    unit: oneOf('abcXYZ019._-'),
    minLength: 1,
    maxLength: 64,
  })
  .filter((name) => !/^\.+$/.test(name));

const region = fc.string({ unit: oneOf('abc019-'), minLength: 1, maxLength: 32 });

/** A type, or its line in a region. */
export const typeName: fc.Arbitrary<string> = fc.oneof(
  plainName,
  fc.tuple(plainName, region).map((parts) => parts.join('@')),
);

export const groupName: fc.Arbitrary<string> = plainName.filter((name) => /^[a-z0-9]/i.test(name));

const shortText = fc.string({ unit: oneOf('abc @äß;"\\'), minLength: 1, maxLength: 20 });

/** A time in whole seconds, as records write it. */
const time = fc
  .integer({ min: 0, max: 4_000_000_000 })
  .map((seconds) => new Date(seconds * 1000).toISOString());

export const firmwareType: fc.Arbitrary<FirmwareType> = fc
  .record({
    chip: fc.constantFrom(...CHIP_NAMES),
    project: maybe(shortText),
    forms: fc.subarray([...ANSWER_FORMS]),
    signatureLength: maybe(fc.constantFrom(...SIGNATURE_LENGTHS)),
    maxSize: maybe(fc.integer({ min: 1, max: MAX_IMAGE })),
  })
  .map((record) => defined(record));

const file: fc.Arbitrary<ReleaseFile> = fc.record({
  sha256: hex(64),
  md5: hex(32),
  size: fc.integer({ min: 1, max: MAX_IMAGE }),
});

const image: fc.Arbitrary<ImageFacts> = fc
  .record({
    chip: fc.constantFrom(...CHIP_NAMES),
    minRevision: maybe(fc.integer({ min: 0, max: 65_535 })),
    maxRevision: maybe(fc.integer({ min: 0, max: 65_535 })),
    version: maybe(shortText),
    project: maybe(shortText),
    secureVersion: maybe(fc.integer({ min: 0, max: 4_294_967_295 })),
    built: maybe(shortText),
    idf: maybe(shortText),
    elfSha256: maybe(hex(64)),
    appSha256: maybe(hex(64)),
    secureBoot: fc.constantFrom(...SECURE_BOOTS),
  })
  .map((record) => defined(record));

const signature: fc.Arbitrary<ReleaseSignature> = fc.record({
  keyId: hex(16),
  value: fc
    .uint8Array({ minLength: 64, maxLength: 64 })
    .map((bytes) => Buffer.from(bytes).toString('base64')),
  notBefore: time,
  expires: time,
});

export const release: fc.Arbitrary<Release> = fc
  .record({
    version,
    publishedAt: time,
    publishedBy: shortText,
    plain: file,
    signed: maybe(file),
    image,
    from: maybe(releaseId),
    through: maybe(fc.constant(true as const)),
    critical: maybe(fc.constant(true as const)),
    notes: maybe(shortText),
    signature: maybe(signature),
  })
  .map((record) => defined(record));

const percent = fc.integer({ min: 0, max: 10_000 }).map((hundredths) => hundredths / 100);

const salt: fc.Arbitrary<string> = fc
  .tuple(oneOf('aZ0'), fc.string({ unit: oneOf('aB9-.:@~!"'), maxLength: 63 }))
  .map((parts) => parts.join(''));

const count = fc.nat(1_000_000);

export const counts: fc.Arbitrary<Counts> = fc
  .tuple(...COUNTERS.map(() => count))
  .map((values) => Object.fromEntries(COUNTERS.map((name, i) => [name, values[i]])) as unknown as Counts);

const begunPhase: fc.Arbitrary<BegunPhase> = fc
  .record({ percent, at: time, counts, resumed: maybe(fc.constant(true as const)) })
  .map((record) => defined(record));

const seconds = fc.integer({ min: 1, max: 7_776_000 });

const candidate: fc.Arbitrary<Candidate> = fc
  .record({
    version: releaseId,
    salt,
    percent,
    groups: fc.uniqueArray(groupName, { maxLength: 3 }),
    phases: maybe(
      fc
        .uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 20 })
        .map((list) => list.sort((a, b) => a - b).map((hundredths) => hundredths / 100)),
    ),
    gate: maybe(
      fc.record({ after: count, notBefore: maybe(time), every: maybe(seconds) }).map((gate) => defined(gate)),
    ),
    limit: maybe(fc.record({ maxFailures: percent, min: fc.integer({ min: 1, max: 1000 }) })),
    interval: maybe(seconds),
    rescue: maybe(fc.uniqueArray(releaseId, { minLength: 1, maxLength: 3 })),
    rate: maybe(fc.integer({ min: 1, max: 1_000_000 })),
    begun: maybe(fc.array(begunPhase, { maxLength: 24 })),
  })
  .map((record) => defined(record));

const author = { by: shortText, at: time };

export const rollout: fc.Arbitrary<Rollout> = fc
  .record({
    ...author,
    stable: maybe(releaseId),
    previous: maybe(releaseId),
    candidate: maybe(candidate),
    paused: maybe(
      fc
        .record({
          ...author,
          reason: maybe(shortText),
          halted: maybe(fc.record({ failed: count, lost: count, of: count })),
        })
        .map((record) => defined(record)),
    ),
    shadow: maybe(fc.record({ version: releaseId, salt, percent })),
    downgrade: fc.boolean(),
    secureVersion: fc.integer({ min: 0, max: 32 }),
  })
  .map((record) => defined(record));

export const logEntry: fc.Arbitrary<LogEntry> = fc
  .record({
    ...author,
    action: fc.constantFrom(...LOGGED_ACTIONS),
    version: maybe(releaseId),
    text: shortText,
  })
  .map((record) => defined(record));

export const epoch: fc.Arbitrary<string> = hex(16);

export const outcomes: fc.Arbitrary<OutcomeRecord> = fc
  .record({
    nginx: shortText,
    at: time,
    sample: fc.constantFrom(1, 2, 4, 1024),
    counts: fc.array(fc.tuple(releaseId, counts), { maxLength: 3 }).map((list) => new Map(list)),
    shadow: maybe(
      fc
        .array(
          fc.tuple(
            releaseId,
            fc.array(fc.tuple(fc.oneof(releaseId, fc.constant('other')), count)).map((list) => new Map(list)),
          ),
          { maxLength: 3 },
        )
        .map((list) => new Map(list)),
    ),
  })
  .map((record) => defined(record));
