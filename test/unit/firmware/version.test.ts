import { describe, expect, it } from 'vitest';
import { compare, normal, parse, type Version } from '../../../src/firmware/shared/version.js';
import { hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';
import * as arbitrary from './support/arbitraries.js';

function known(text: string): Version {
  const version = parse(text);
  if (version === undefined) throw new Error(`${text} is no version`);
  return version;
}

function sign(text: string, other: string): number {
  return Math.sign(compare(known(text), known(other)));
}

describe('a version', () => {
  it.each([
    ['7', '7.0.0'],
    ['7.0', '7.0.0'],
    ['v1.2.3', '1.2.3'],
    ['01.002.3', '1.2.3'],
    ['1.2.3+build.5', '1.2.3'],
    ['1.2.3-rc.1', '1.2.3-rc.1'],
    ['1.2.3-rc.01', '1.2.3-rc.1'],
    ['1.2-0', '1.2.0-0'],
    ['65535', '65535.0.0'],
    ['2147483647.0.0', '2147483647.0.0'],
  ])('reads %s as %s', (text, expected) => {
    expect(normal(known(text))).toBe(expected);
  });

  it.each([
    '',
    '1.2.3.4',
    '1.',
    '.1',
    '1.2.3-',
    '1.2.3-a..b',
    '1.2.3-.a',
    '1 .2',
    'abcdef',
    'V1.0.0',
    '2147483648',
    '99999999999',
    '1.2.3\n',
    '-1',
    `1.0.0-${'a'.repeat(50)}`,
  ])('rejects %j', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it('has the order of semver.org, also as a number', () => {
    const ordered = [
      '1',
      '2.0.0-1',
      '2.0.0-2',
      '2.0.0-10',
      '2.0.0-9007199254740992',
      '2.0.0-9007199254740993',
      '2.0.0-alpha',
      '2.0.0-alpha.1',
      '2.0.0-alpha.beta',
      '2.0.0-beta.2',
      '2.0.0-beta.11',
      '2.0.0-rc.1',
      '2.0.0',
      '2.0.1',
      '2.1',
      '9.9.9',
      '10',
    ];
    ordered.forEach((text, i) => {
      expect(ordered.map((other) => sign(text, other))).toEqual(ordered.map((_, j) => Math.sign(i - j)));
    });
  });

  it('equals another one with the same normal spelling, and no other', () => {
    fc.assert(
      fc.property(arbitrary.version, arbitrary.version, (text, other) => {
        const same = normal(known(text)) === normal(known(other));
        expect(sign(text, other) === 0).toBe(same);
        expect(sign(text, other) + sign(other, text)).toBe(0);
        expect(normal(known(normal(known(text))))).toBe(normal(known(text)));
      }),
    );
  });

  it('never throws, whatever a device sends', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        parse(text);
      }),
    );
  });
});
