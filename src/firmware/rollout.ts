import { defined } from '../core/defined.js';
import { describe, err, ok, type Result } from '../core/result.js';
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
import { COUNT, type Counts, readCounts, writtenCounts } from './outcomes.js';

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
  /** The percentages that follow one another, ascending; the next phase is the first one above `percent`. */
  readonly phases?: readonly number[];
  /** When the next phase begins by itself. Without it, an operator begins each. */
  readonly gate?: Gate;
  /** How many failures pause it. Without it, none do. */
  readonly limit?: FailureLimit;
  /** How often its devices ask where nothing else is known, in seconds: one that is silent for three of these is lost. */
  readonly interval?: number;
  /** Devices that report one of these versions are offered it whatever the percentage. */
  readonly rescue?: readonly ReleaseId[];
  /** The most bytes per second of one download. */
  readonly rate?: number;
  /** Every share that it was offered to, the first one first; at most `MAX_BEGUN`, the newest ones. */
  readonly begun?: readonly BegunPhase[];
}

/** What must be true before the next phase begins. All of it must. */
export interface Gate {
  /** So many devices have booted the candidate since the phase before began. The first phase does not wait for it. */
  readonly after: number;
  /** The first phase begins at this time at the earliest. */
  readonly notBefore?: string;
  /** The least time from the beginning of one phase to that of the next, in seconds. */
  readonly every?: number;
}

/** A candidate that exceeds it is paused. */
export interface FailureLimit {
  /** The most devices that may fail or be lost, in percent of those whose outcome is known. */
  readonly maxFailures: number;
  /** Before the outcomes of so many devices are known, nothing is concluded. */
  readonly min: number;
}

/** A share of the devices that the candidate was offered to, from the moment when it was. */
export interface BegunPhase {
  readonly percent: number;
  /** By the clock of whoever began it. */
  readonly at: string;
  /** What had been counted of the release by then. */
  readonly counts: Counts;
  /** A pause ended with it: the limit of failures counts from here. */
  readonly resumed?: true;
}

/** A release that is offered to nobody: it is only counted whom it would reach. */
export interface Shadow {
  readonly version: ReleaseId;
  readonly salt: string;
  readonly percent: number;
}

/** Why a candidate is offered to nobody any more. */
export interface Paused extends Author {
  readonly reason?: string;
  /** Where a watcher paused it because too many devices failed: what was known then. */
  readonly halted?: Halt;
}

/** The outcomes that halted a candidate. */
export interface Halt {
  readonly failed: number;
  readonly lost: number;
  /** How many devices had an outcome. */
  readonly of: number;
}

/** Who is offered which release of a type. Its key is changed by compare-and-swap alone. */
export interface Rollout extends Author {
  /** Offered to every device that is not offered the candidate. */
  readonly stable?: ReleaseId;
  /** The stable release before this one: what a rollback goes back to. */
  readonly previous?: ReleaseId;
  readonly candidate?: Candidate;
  readonly paused?: Paused;
  readonly shadow?: Shadow;
  /** Devices whose server decides what they install are taken back to an older release. */
  readonly downgrade: boolean;
  /** The highest `secure_version` of all that was ever offered: no release below it boots everywhere. */
  readonly secureVersion: number;
}

/** Most groups of one candidate: their names go into every NGINX with the catalogue. */
export const MAX_CANDIDATE_GROUPS = 8;

/** Most devices of all groups of one candidate: each has a key of its own in every NGINX. */
export const MAX_MEMBERS = 2000;

/** Most phases of one candidate. */
const MAX_PHASES = 20;

/** Most entries of `begun`. */
export const MAX_BEGUN = 24;

/** Most versions from which a candidate rescues. */
const MAX_RESCUED = 8;

/** The longest time of a rollout, in seconds: 90 days. */
const MAX_SECONDS = 7_776_000;

/** The highest rate of one download, in bytes per second: 1 GB. */
export const MAX_RATE = 1_000_000_000;

export function encodeRollout(rollout: Rollout): string {
  return JSON.stringify(rollout, (key, value: unknown) =>
    key === 'counts' ? writtenCounts(value as Counts) : value,
  );
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
    shadow: fields.optionalObject('shadow', readShadow),
    downgrade: fields.required('downgrade', flag),
    secureVersion: fields.required('secureVersion', integer(0, 4_294_967_295)),
  });
}

function readAuthor(fields: Fields): Author {
  return { by: fields.required('by', prose(200)), at: fields.required('at', time) };
}

function readCandidate(fields: Fields): Candidate {
  return defined({
    version: fields.required('version', parseReleaseId),
    salt: fields.required('salt', parseSalt),
    percent: fields.required('percent', parsePercent),
    groups: fields.required('groups', listOf(parseGroup, MAX_CANDIDATE_GROUPS)),
    phases: fields.optional('phases', parsePhases),
    gate: fields.optionalObject('gate', readGate),
    limit: fields.optionalObject('limit', readLimit),
    interval: fields.optional('interval', integer(1, MAX_SECONDS)),
    rescue: fields.optional('rescue', listOf(parseReleaseId, MAX_RESCUED)),
    rate: fields.optional('rate', integer(1, MAX_RATE)),
    begun: fields.optionalObjects('begun', MAX_BEGUN, readBegun),
  });
}

function readGate(fields: Fields): Gate {
  return defined({
    after: fields.required('after', COUNT),
    notBefore: fields.optional('notBefore', time),
    every: fields.optional('every', integer(0, MAX_SECONDS)),
  });
}

function readLimit(fields: Fields): FailureLimit {
  return {
    maxFailures: fields.required('maxFailures', parsePercent),
    min: fields.required('min', integer(1, Number.MAX_SAFE_INTEGER)),
  };
}

function readBegun(fields: Fields): BegunPhase {
  const resumed = fields.optional('resumed', flag);
  return {
    percent: fields.required('percent', parsePercent),
    at: fields.required('at', time),
    counts: fields.object('counts', readCounts),
    ...(resumed === true && { resumed }),
  };
}

function readShadow(fields: Fields): Shadow {
  return {
    version: fields.required('version', parseReleaseId),
    salt: fields.required('salt', parseSalt),
    percent: fields.required('percent', parsePercent),
  };
}

function readPaused(fields: Fields): Paused {
  return defined({
    ...readAuthor(fields),
    reason: fields.optional('reason', prose(200)),
    halted: fields.optionalObject('halted', readHalt),
  });
}

function readHalt(fields: Fields): Halt {
  return {
    failed: fields.required('failed', COUNT),
    lost: fields.required('lost', COUNT),
    of: fields.required('of', COUNT),
  };
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

/** Reads the phases of a rollout: percentages above 0, each above the one before. */
export function parsePhases(value: unknown): Result<readonly number[]> {
  const list = listOf(parsePercent, MAX_PHASES)(value);
  if (!list.ok) return list;
  const isAscending = list.value.every((percent, i) => percent > (list.value[i - 1] ?? 0));
  if (isAscending && list.value.length > 0) return list;
  return err(`must be percentages that grow, such as 1, 10, 100, got ${describe(value)}`);
}
