/**
 * Versions of firmware: integers, or semantic versions with two or three parts. NGINX runs this as well: it is written for
 * njs 0.8.9, which has no destructuring, no default parameters, no `for … of` and no spread.
 */

/** A version that can be put in order. */
export interface Version {
  /** Major, minor and patch; each below 2^31. */
  parts: number[];
  /** The pre-release part of a semantic version, such as `rc.1`; empty where there is none. */
  pre: string;
}

/** The longest version, in characters. */
const MAX_VERSION = 48;

const FORM =
  /^v?([0-9]{1,10})(?:\.([0-9]{1,10}))?(?:\.([0-9]{1,10}))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$/;
const NUMERIC = /^[0-9]+$/;
const PART_END = 2_147_483_648;

/**
 * Reads a version as a device or an image states it: with or without a leading `v`, leading zeros, build metadata.
 * Undefined where it is none, such as a commit's hash.
 */
export function parse(text: string): Version | undefined {
  const found = text.length > MAX_VERSION ? null : text.match(FORM);
  if (found === null) return undefined;
  const parts: number[] = [];
  for (let i = 1; i <= 3; i++) {
    const part = Number(found[i] || '0');
    if (part >= PART_END) return undefined;
    parts.push(part);
  }
  const pre = found[4];
  return { parts: parts, pre: pre === undefined ? '' : pre.split('.').map(withoutZeros).join('.') };
}

/** A number without leading zeros; a word as it is. */
function withoutZeros(identifier: string): string {
  return NUMERIC.test(identifier) ? identifier.replace(/^0+(?=.)/, '') : identifier;
}

/** The one spelling by which versions are the same or not: 7, `7.0` and `7.0.0` are `7.0.0`. */
export function normal(version: Version): string {
  const text = version.parts.join('.');
  return version.pre === '' ? text : `${text}-${version.pre}`;
}

/** Below 0 where `a` comes before `b`, above 0 where it comes behind. Source: semver.org 2.0.0, section 11. */
export function compare(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) {
    const difference = (a.parts[i] as number) - (b.parts[i] as number);
    if (difference !== 0) return difference;
  }
  if (a.pre === b.pre) return 0;
  // A version comes behind its own pre-releases.
  if (a.pre === '' || b.pre === '') return a.pre === '' ? 1 : -1;
  return comparePre(a.pre.split('.'), b.pre.split('.'));
}

function comparePre(a: string[], b: string[]): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const difference = compareIdentifier(a[i] as string, b[i] as string);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Numbers by their value, and before words; words by their characters. */
function compareIdentifier(a: string, b: string): number {
  const numeric = NUMERIC.test(a);
  if (numeric !== NUMERIC.test(b)) return numeric ? -1 : 1;
  // Of two numbers without leading zeros the longer one is greater, however many digits they have.
  if (numeric && a.length !== b.length) return a.length - b.length;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
