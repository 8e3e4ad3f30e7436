/** Types, releases and rollouts as tests have them. */
import type { Release } from '../../../../src/firmware/release.js';
import type { Author } from '../../../../src/firmware/rollout.js';
import { ANSWER_FORMS } from '../../../../src/firmware/type-record.js';
import { emptyType, type TypeState } from '../../../../src/firmware/type-state.js';

export const AUTHOR: Author = { by: 'root@lb1', at: '2026-11-27T12:00:00.000Z' };

/** A release whose files have hashes of their own; `version` is in its normal spelling. */
export function release(version: string, secureVersion = 0): Release {
  const fill = Buffer.from(version).toString('hex');
  return {
    version,
    publishedAt: '2026-11-27T12:00:00.000Z',
    publishedBy: 'ci@build1',
    plain: {
      sha256: fill.repeat(16).slice(0, 64),
      md5: fill.repeat(8).slice(0, 32),
      size: 1_048_576,
    },
    image: {
      chip: 'esp32s3',
      version,
      project: 'toaster',
      secureVersion,
      minRevision: 0,
      appSha256: `f${fill.repeat(16)}`.slice(0, 64),
      secureBoot: 'none',
    },
  };
}

/** A type with these releases and no rollout. */
export function typeWith(...releases: readonly Release[]): TypeState {
  return {
    ...emptyType('toaster'),
    record: { chip: 'esp32s3', project: 'toaster', forms: ANSWER_FORMS },
    releases: new Map(releases.map((one) => [one.version, one])),
    groups: new Map([
      ['beta', []],
      ['lab', []],
    ]),
  };
}
