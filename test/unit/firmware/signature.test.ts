import { describe, expect, it } from 'vitest';
import { defined } from '../../../src/core/defined.js';
import type { Release } from '../../../src/firmware/release.js';
import {
  acceptReleases,
  authentic,
  authenticNow,
  type ReleaseKeys,
  type ReleaseSigner,
  signedText,
  signRelease,
} from '../../../src/firmware/signature.js';
import { fc } from '../../support/property.js';
import * as arbitrary from './support/arbitraries.js';
import { release, typeWith } from './support/types.js';

const KEY = '0123456789abcdef';

/** Signs with the text itself, so that a test sees what is signed. */
const SIGNER: ReleaseSigner = { keyId: KEY, validity: 86_400, sign: (text) => text };
const KEYS: ReleaseKeys = {
  verify: (keyId, text, signature) => (keyId === KEY ? text === signature : undefined),
};

function signed(one: Release, type = 'toaster'): Release {
  return { ...one, signature: signRelease(type, one, one.publishedAt, SIGNER) };
}

const RELEASE = release('1.3.0');
const SIGNED = signed(RELEASE);

describe('the signature of a release', () => {
  it('is over these lines', () => {
    const { sha256, size } = RELEASE.plain;
    expect(SIGNED.signature?.value).toBe(
      [
        'sidekick firmware release 1',
        'type toaster',
        'version 1.3.0',
        `plain ${sha256} ${size}`,
        'not-before 1795780800',
        'expires 1795867200',
        '',
      ].join('\n'),
    );
    const file = { sha256: 'c'.repeat(64), md5: 'd'.repeat(32), size: 7 };
    const all: Release = { ...RELEASE, signed: file, from: '1.2.0', through: true, critical: true };
    expect(signed(all).signature?.value).toBe(
      [
        'sidekick firmware release 1',
        'type toaster',
        'version 1.3.0',
        `plain ${sha256} ${size}`,
        `signed ${'c'.repeat(64)} 7`,
        'from 1.2.0',
        'through',
        'critical',
        'not-before 1795780800',
        'expires 1795867200',
        '',
      ].join('\n'),
    );
  });

  it('is over text that differs wherever the releases differ for devices', () => {
    fc.assert(
      fc.property(arbitrary.release, arbitrary.release, (one, other) => {
        const validity = { notBefore: one.publishedAt, expires: one.publishedAt };
        const told = ({ version, plain, signed: file, from, through, critical }: Release) => ({
          ...{ version, from, through, critical },
          plain: [plain.sha256, plain.size],
          signed: file && [file.sha256, file.size],
        });
        const isSame = JSON.stringify(told(one)) === JSON.stringify(told(other));
        expect(signedText('a', one, validity) === signedText('a', other, validity)).toBe(isSame);
        expect(signedText('a', one, validity)).not.toBe(signedText('b', one, validity));
      }),
    );
  });

  it.each<[string, Release, string]>([
    ['there is none', RELEASE, 'the release is not signed'],
    [
      'it was made with another key',
      {
        ...SIGNED,
        signature: { ...SIGNED.signature, keyId: 'f'.repeat(16) } as Release['signature'] & object,
      },
      'the release is signed with key ffffffffffffffff, which is not among the release keys',
    ],
    [
      'it is that of another type',
      signed(RELEASE, 'kettle'),
      'the signature is not that of key 0123456789abcdef over this release',
    ],
    [
      'a file was put in place of another',
      { ...SIGNED, plain: release('6.6.6').plain },
      'the signature is not that of key 0123456789abcdef over this release',
    ],
    [
      'the release is taken by more devices than it was signed for',
      { ...RELEASE, ...defined({ signature: signed({ ...RELEASE, from: '1.2.0' }).signature }) },
      'the signature is not that of key 0123456789abcdef over this release',
    ],
    [
      'it was prolonged',
      {
        ...SIGNED,
        signature: {
          ...(SIGNED.signature as Release['signature'] & object),
          expires: '2036-01-01T00:00:00.000Z',
        },
      },
      'the signature is not that of key 0123456789abcdef over this release',
    ],
  ])('has the release rejected if %s', (_, one, reason) => {
    expect(authentic(KEYS)('toaster', one)).toBe(reason);
    expect(authentic(KEYS)('toaster', SIGNED)).toBeUndefined();
  });

  it('counts from its beginning to its end, for whoever looks at the time', () => {
    const at = (time: string) => authenticNow(KEYS, () => Date.parse(time))('toaster', SIGNED);
    expect(at('2026-11-27T11:59:59.999Z')).toBe(
      'the signature does not count before 2026-11-27T12:00:00.000Z',
    );
    expect(at('2026-11-27T12:00:00.000Z')).toBeUndefined();
    expect(at('2026-11-28T11:59:59.999Z')).toBeUndefined();
    expect(at('2026-11-28T12:00:00.000Z')).toBe('the signature expired at 2026-11-28T12:00:00.000Z');
  });

  it('counts in whole seconds', () => {
    const { notBefore, expires } = signRelease('toaster', RELEASE, '2026-11-27T12:00:00.999Z', SIGNER);
    expect([notBefore, expires]).toEqual(['2026-11-27T12:00:00.000Z', '2026-11-28T12:00:00.000Z']);
    const late = { notBefore: '2026-11-27T12:00:00.999Z', expires };
    expect(signedText('toaster', RELEASE, late)).toBe(signedText('toaster', RELEASE, { notBefore, expires }));
  });

  it('changes nothing of a type whose releases are all accepted', () => {
    const state = typeWith(SIGNED);
    expect(acceptReleases(state, authentic(KEYS))).toBe(state);
  });

  it('decides which releases of a type are left', () => {
    const state = typeWith(SIGNED, release('1.4.0'));
    const { releases, rejected } = acceptReleases(state, authentic(KEYS));
    expect([...releases.keys()]).toEqual(['1.3.0']);
    expect(rejected.get('1.4.0')).toEqual({
      release: release('1.4.0'),
      reason: 'the release is not signed',
    });
  });
});
