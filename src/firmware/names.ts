import { describe, err, ok, type Result } from '../core/result.js';
import { isRegion, regionOf, typeOf } from './shared/region.js';
import { compare, normal, parse, type Version } from './shared/version.js';

const TYPE = /^[A-Za-z0-9._-]{1,64}$/;
/** Names of dots alone are steps of a path. */
const ONLY_DOTS = /^\.+$/;
const GROUP = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * Reads the name of a firmware type, which devices ask by: letters, digits, `.`, `_` and `-`, at most 64 characters; or that
 * of its line in a region, such as `lamp-v2@eu`.
 */
export function parseType(value: unknown): Result<string> {
  if (typeof value === 'string' && isType(typeOf(value)) && isLine(value)) return ok(value);
  const form = 'letters, digits, ".", "_" or "-" (at most 64), and may end in a region such as @eu';
  return err(`type must be ${form}, got ${describe(value)}`);
}

function isType(text: string): boolean {
  return TYPE.test(text) && !ONLY_DOTS.test(text);
}

function isLine(text: string): boolean {
  return text === typeOf(text) || isRegion(regionOf(text));
}

/** Reads the name of a region: lower-case letters, digits and `-`, at most 32 characters. */
export function parseRegion(value: unknown): Result<string> {
  if (typeof value === 'string' && isRegion(value)) return ok(value);
  return err(`region must be lower-case letters, digits or "-" (at most 32), got ${describe(value)}`);
}

/** Reads the name of a group of devices: as a type's, and the first character is a letter or a digit. */
export function parseGroup(value: unknown): Result<string> {
  if (typeof value === 'string' && GROUP.test(value)) return ok(value);
  return err(`group must be letters, digits, ".", "_" or "-" (at most 64), got ${describe(value)}`);
}

/** The service under which the firmware servers of a region are registered beside the others, such as `firmware-eu`. */
export function regionalService(service: string, region: string): string {
  return `${service}-${region}`;
}

/** A release's version in its normal spelling, as keys and rollouts name it: `1.3.0`, `7.0.0`, `2.0.0-rc.1`. */
export type ReleaseId = string;

/** Reads a version in its normal spelling. */
export function parseReleaseId(value: unknown): Result<ReleaseId> {
  const version = typeof value === 'string' ? parse(value) : undefined;
  if (version !== undefined && normal(version) === value) return ok(value);
  return err(`version must be like 1.3.0, in its normal spelling, got ${describe(value)}`);
}

/** Below 0 where release `a` comes before `b`. Both are in their normal spelling. */
export function compareReleases(a: ReleaseId, b: ReleaseId): number {
  return compare(known(a), known(b));
}

/** Releases in their order, the newest first. */
export function newestFirst(ids: Iterable<ReleaseId>): readonly ReleaseId[] {
  return [...ids].sort((a, b) => compareReleases(b, a));
}

function known(id: ReleaseId): Version {
  return parse(id) ?? { parts: [0, 0, 0], pre: '' };
}
