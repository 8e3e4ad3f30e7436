/** Keyval zones that devices are answered from, and devices that are in a percentage, or not, or in a group. */
import { renderCatalogue } from '../../../src/firmware/catalogue.js';
import type { Release } from '../../../src/firmware/release.js';
import type { Rollout } from '../../../src/firmware/rollout.js';
import {
  type CatalogueOptions,
  decode,
  encode,
  encodeOffer,
  memberKey,
  READY_KEY,
  stoneKey,
  typeKey,
} from '../../../src/firmware/shared/catalogue.js';
import { ANSWER_FORMS, type AnswerForm } from '../../../src/firmware/type-record.js';

const AUTHOR = { by: 'root@lb1', at: '2026-11-27T12:00:00.000Z' };
export const ORIGIN = 'https://ota.example.com';

/** Below 40 % with the salt `toaster-1.3.0`: bucket 3316. */
export const CHOSEN = '24:6f:28:aa:bb:cc';
/** Not below it: bucket 8232. */
export const OTHER = '24:6f:28:aa:bb:ce';
export const MEMBER = 'bench-1';

/** SHA-256 and MD5 are of one digit each, that of the release. */
function release(version: string, digit: string): Release {
  return {
    version,
    publishedAt: AUTHOR.at,
    publishedBy: AUTHOR.by,
    plain: { sha256: digit.repeat(64), md5: digit.repeat(32), size: 1_000_000 },
    image: { chip: 'esp32s3', appSha256: `f${digit.repeat(63)}`, secureBoot: 'none' },
  };
}

const RELEASES = new Map(
  [
    ...[release('1.2.0', '2'), release('1.3.0', '3'), release('2.0.0-rc.1', '4')],
    ...[release('0.5.0', '5'), release('0.9.0', '9')],
  ].map((one) => [one.version, one]),
);

function catalogue(
  type: string,
  rollout: Partial<Rollout>,
  forms: readonly AnswerForm[] = ANSWER_FORMS,
): [string, string] {
  const value = renderCatalogue({
    type,
    record: { chip: 'esp32s3', forms },
    rollout: { ...AUTHOR, downgrade: false, secureVersion: 0, ...rollout },
    releases: RELEASES,
    origin: ORIGIN,
    revision: 100,
  });
  if (!value.ok) throw new Error(value.reason);
  // What is counted is added to manifests: see outcomes.test.ts.
  return withOptions([typeKey(type), value.value], { count: false });
}

/** The same type with options. */
function withOptions([key, value]: [string, string], options: Partial<CatalogueOptions>): [string, string] {
  const found = decode(value);
  if (found === undefined) throw new Error(`cannot be read back: ${value}`);
  return [key, encode({ ...found, options: { ...found.options, ...options } })];
}

/** A release of a type that devices have to pass. */
function stone(type: string, version: string): [string, string] {
  const [, value] = catalogue(type, { stable: version });
  return [stoneKey(type, version), encodeOffer(decode(value)?.stable)];
}

const CANDIDATE = { version: '1.3.0', salt: 'toaster-1.3.0', percent: 40, groups: ['lab', 'beta'] };

/** A keyval zone that the watcher has filled. */
export const FILLED: ReadonlyMap<string, string> = new Map([
  [READY_KEY, '1'],
  catalogue('toaster', { stable: '1.2.0', candidate: CANDIDATE }),
  [memberKey('toaster', MEMBER), 'alpha,beta'],
  [memberKey('toaster', 'bench-2'), 'alpha'],
  catalogue('paused', { stable: '1.2.0', candidate: CANDIDATE, paused: AUTHOR }),
  [memberKey('paused', MEMBER), 'beta'],
  catalogue('everybody', { candidate: { ...CANDIDATE, percent: 100, groups: [] } }),
  catalogue('fresh', { candidate: CANDIDATE }),
  catalogue('back', { stable: '1.2.0', downgrade: true }),
  catalogue('idf', { stable: '2.0.0-rc.1' }, ['file', 'text']),
  ['foreign', '{"of":"another version"}'],
  withOptions(
    catalogue('rescued', { stable: '1.2.0', candidate: { ...CANDIDATE, percent: 0, groups: [] } }),
    { rescue: ['1.1.0', '1.2.0'] },
  ),
  withOptions(catalogue('chain', { stable: '1.2.0', candidate: { ...CANDIDATE, groups: [] } }), {
    via: ['0.5.0', '0.9.0'],
    from: '0.4.0',
    stableFrom: '0.3.0',
  }),
  stone('chain', '0.5.0'),
  stone('chain', '0.9.0'),
  withOptions(catalogue('broken', { stable: '1.2.0' }), { via: ['0.5.0'] }),
  catalogue('lamp', { stable: '1.2.0' }),
  catalogue('lamp@eu', { stable: '1.2.0', candidate: { ...CANDIDATE, groups: ['lab'] } }),
  [memberKey('lamp@eu', MEMBER), 'lab'],
  withOptions(catalogue('lamp@us', { candidate: { ...CANDIDATE, percent: 100, groups: [] } }), {
    via: ['0.5.0'],
  }),
  stone('lamp@us', '0.5.0'),
  catalogue('lamp@br', {}),
  catalogue('kettle@eu', { stable: '1.2.0' }),
]);

/** As an NGINX has it that was restarted and has not been filled yet. */
export const EMPTY: ReadonlyMap<string, string> = new Map();
