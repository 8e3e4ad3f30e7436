import { defined } from '../core/defined.js';
import { err, ok, type Result } from '../core/result.js';
import {
  type Fields,
  integer,
  matching,
  prose,
  type Reader,
  readFields,
  readRecord,
  time,
} from './fields.js';
import { parseReleaseId, parseType, type ReleaseId } from './names.js';
import { normal, parse } from './shared/version.js';

/** What became of the devices that were offered a release. Each counter only grows, and counts a device once. */
export interface Counts {
  /** Answered with the release in a form that lets a device fetch it. */
  readonly offered: number;
  /** The last byte of the image was sent. */
  readonly downloaded: number;
  /** Asked with the release's version after that. */
  readonly booted: number;
  /** Asked with another version after that. */
  readonly failed: number;
  /** Of `failed`: booted it later. */
  readonly recovered: number;
  /** Silent for three of its intervals after the download. */
  readonly lost: number;
  /** Of `lost`: asked again later, and then booted or failed. */
  readonly found: number;
  /** Asked without its version after the download. */
  readonly unknown: number;
  /** Of `unknown`: said later what it runs, or was back on MQTT. */
  readonly known: number;
  /** Its ClientId was back on MQTT after the download: it is alive, and will say what it runs with its next question. */
  readonly returned: number;
  /** Of `returned`: has asked, and then booted or failed. */
  readonly answered: number;
}

export const COUNTERS = [
  'offered',
  'downloaded',
  'booted',
  'failed',
  'recovered',
  'lost',
  'found',
  'unknown',
  'known',
  'returned',
  'answered',
] as const satisfies readonly (keyof Counts)[];

/** Counters that older sidekicks do not know. Where they are 0 a record leaves them out, so that those can read it as well. */
const LATER: readonly (keyof Counts)[] = ['known', 'returned', 'answered'];

export const NO_COUNTS: Counts = countsOf(() => 0);

/** What was counted, by release. */
export type CountsByRelease = ReadonlyMap<ReleaseId, Counts>;

/** Devices that a shadow would reach, by its release and the version that they run now; `other` for the rest. */
export type Shadowed = ReadonlyMap<ReleaseId, ReadonlyMap<string, number>>;

/** What one NGINX has counted of one type since it was started: the key `outcomes/<epoch>` of the type. */
export interface OutcomeRecord {
  /** Its name, as the watcher that wrote this has it configured. */
  readonly nginx: string;
  /** When it was written, by that watcher's clock. */
  readonly at: string;
  /** One device in so many was followed. */
  readonly sample: number;
  readonly counts: CountsByRelease;
  readonly shadow?: Shadowed;
}

/** What one NGINX reports: `GET /firmware/outcomes`. */
export interface OutcomeReport {
  /** Of this life of NGINX: another one after a restart, the same after a reload. */
  readonly epoch: string;
  /** One device in so many is followed. */
  readonly sample: number;
  /** Devices that were offered a candidate and whose outcome is not known yet. */
  readonly flights: number;
  /** Downloads under way. */
  readonly downloads: number;
  /** What was counted since the epoch began, by type. */
  readonly counts: ReadonlyMap<string, CountsByRelease>;
  readonly shadow: ReadonlyMap<string, Shadowed>;
}

/** The most releases of a type, and versions that devices run now, that a record or a report names. */
export const MAX_VERSIONS = 32;
/** The most types that a report names. */
const MAX_TYPES = 10_000;

export const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const SAMPLE = integer(1, 2 ** 31);

/** Reads an epoch: 16 hex digits. */
export const parseEpoch: Reader<string> = matching(/^[0-9a-f]{16}$/, '16 hex digits');

export function encodeOutcomes({ counts, shadow, ...record }: OutcomeRecord): string {
  const shadowed = shadow && Object.fromEntries([...shadow].map(([id, by]) => [id, Object.fromEntries(by)]));
  const byRelease = Object.fromEntries([...counts].map(([id, all]) => [id, writtenCounts(all)]));
  return JSON.stringify(defined({ ...record, counts: byRelease, shadow: shadowed }));
}

/** Reads the outcomes that an NGINX has counted, which are untrusted. Never throws. */
export function decodeOutcomes(text: string): Result<OutcomeRecord> {
  return readRecord(
    text,
    (fields): OutcomeRecord =>
      defined({
        nginx: fields.required('nginx', prose(128)),
        at: fields.required('at', time),
        sample: fields.required('sample', SAMPLE),
        counts: fields.object('counts', readByRelease(parseReleaseId)),
        shadow: fields.optionalObject('shadow', readShadowed(parseReleaseId)),
      }),
    RECORD_BOUNDS,
  );
}

/** The most items of a report: each version with its counters, or with as many versions that devices run now. */
const RECORD_BOUNDS = { length: 65_536, depth: 4, items: 4_096 };

/** Reads an NGINX's report, which is untrusted, after its JSON was parsed. Members that are not known are ignored. Never throws. */
export function readReport(value: unknown): Result<OutcomeReport> {
  return readFields(value, (fields): OutcomeReport => {
    fields.ignoreOthers();
    return {
      epoch: fields.required('epoch', parseEpoch),
      sample: fields.required('sample', SAMPLE),
      flights: fields.required('flights', COUNT),
      downloads: fields.required('downloads', COUNT),
      counts: fields.object('counts', readByType(readByRelease(asPublished))),
      shadow: fields.optionalObject('shadow', readByType(readShadowed(asPublished))) ?? new Map(),
    };
  });
}

/** Counters as a record has them. */
export function writtenCounts(counts: Counts): Partial<Counts> {
  const written = COUNTERS.filter((counter) => counts[counter] !== 0 || !LATER.includes(counter));
  return Object.fromEntries(written.map((counter) => [counter, counts[counter]]));
}

/** Reads the counters. */
export function readCounts(fields: Fields): Counts {
  return countsOf((counter) =>
    LATER.includes(counter) ? (fields.optional(counter, COUNT) ?? 0) : fields.required(counter, COUNT),
  );
}

/** Counters, each as `of` has it. */
export function countsOf(of: (counter: keyof Counts) => number): Counts {
  return Object.fromEntries(COUNTERS.map((counter) => [counter, of(counter)])) as unknown as Counts;
}

/** A version as it was published, such as `7`, in its normal spelling. */
const asPublished: Reader<ReleaseId> = (value) => {
  const version = typeof value === 'string' ? parse(value) : undefined;
  return version === undefined ? err('must be a version such as 1.3.0') : ok(normal(version));
};

type Build<T> = (fields: Fields) => T;

function readByType<T extends object>(build: Build<T>): Build<ReadonlyMap<string, T>> {
  return (fields) => fields.allObjects(MAX_TYPES, parseType, build);
}

function readByRelease(readName: Reader<ReleaseId>): Build<CountsByRelease> {
  return (fields) => fields.allObjects(MAX_VERSIONS, readName, readCounts);
}

function readShadowed(readName: Reader<ReleaseId>): Build<Shadowed> {
  return (fields) =>
    fields.allObjects(MAX_VERSIONS, readName, (running) => running.all(MAX_VERSIONS, prose(48), COUNT));
}
