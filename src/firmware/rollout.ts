import { defined } from '../core/defined.js';
import { err, ok, type Result } from '../core/result.js';
import {
  type Fields,
  flag,
  integer,
  listOf,
  matching,
  prose,
  type Reader,
  readRecord,
  time,
} from './fields.js';
import { parseGroup, parseReleaseId, type ReleaseId } from './names.js';

/** Who changed something, and when. */
export interface Author {
  /** Such as `root@lb1`; nobody has checked it. */
  readonly by: string;
  /** ISO 8601, in UTC, by the clock of whoever made the change. */
  readonly at: string;
}

/** A release that is offered to some devices. */
export interface Candidate {
  readonly version: ReleaseId;
  /** What, with a device's id, decides whether the device is among the percentage. */
  readonly salt: string;
  /** 0 to 100, with at most two decimals. */
  readonly percent: number;
  /** Groups whose members are offered it whatever the percentage. */
  readonly groups: readonly string[];
}

/** Why a candidate is offered to nobody any more. */
export interface Paused extends Author {
  readonly reason?: string;
}

/** Who is offered which release of a type. Its key is changed by compare-and-swap alone. */
export interface Rollout extends Author {
  /** Offered to every device that is not offered the candidate. */
  readonly stable?: ReleaseId;
  /** The stable release before this one: what a rollback goes back to. */
  readonly previous?: ReleaseId;
  readonly candidate?: Candidate;
  readonly paused?: Paused;
  /** Devices whose server decides what they install are taken back to an older release. */
  readonly downgrade: boolean;
  /** The highest `secure_version` of all that was ever offered: no release below it boots everywhere. */
  readonly secureVersion: number;
}

/** Most groups of one candidate: their names go into every NGINX with the catalogue. */
export const MAX_CANDIDATE_GROUPS = 8;

/** Most devices of all groups of one candidate: each has a key of its own in every NGINX. */
export const MAX_MEMBERS = 2000;

export function encodeRollout(rollout: Rollout): string {
  return JSON.stringify(rollout);
}

/** Reads a rollout's record, which is untrusted. Never throws. */
export function decodeRollout(text: string): Result<Rollout> {
  return readRecord(text, readRollout);
}

function readRollout(fields: Fields): Rollout {
  return defined({
    ...readAuthor(fields),
    stable: fields.optional('stable', parseReleaseId),
    previous: fields.optional('previous', parseReleaseId),
    candidate: fields.optionalObject('candidate', readCandidate),
    paused: fields.optionalObject('paused', readPaused),
    downgrade: fields.required('downgrade', flag),
    secureVersion: fields.required('secureVersion', integer(0, 4_294_967_295)),
  });
}

function readAuthor(fields: Fields): Author {
  return { by: fields.required('by', prose(200)), at: fields.required('at', time) };
}

function readCandidate(fields: Fields): Candidate {
  return {
    version: fields.required('version', parseReleaseId),
    salt: fields.required('salt', parseSalt),
    percent: fields.required('percent', parsePercent),
    groups: fields.required('groups', listOf(parseGroup, MAX_CANDIDATE_GROUPS)),
  };
}

function readPaused(fields: Fields): Paused {
  return defined({ ...readAuthor(fields), reason: fields.optional('reason', prose(200)) });
}

/** Reads a salt: a letter or digit, then printable ASCII without spaces; at most 64 characters. */
export const parseSalt: Reader<string> = matching(
  /^[A-Za-z0-9][\x21-\x7e]{0,63}$/,
  'a letter or digit, then printable ASCII without spaces (at most 64)',
);

/** Reads a percentage: 0 to 100 with at most two decimals, as one device in 10,000 is the smallest share. */
export function parsePercent(value: unknown): Result<number> {
  const hundredths = typeof value === 'number' ? Math.round(value * 100) : Number.NaN;
  if (hundredths >= 0 && hundredths <= 10_000 && hundredths / 100 === value) return ok(value);
  return err('percent must be from 0 to 100 with at most two decimals');
}
