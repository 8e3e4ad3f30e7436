import type { KeyPrefixes } from '../core/keys.js';
import type { KeyValue } from '../core/ports.js';
import type { Result } from '../core/result.js';
import { decodeGroup, type Group } from './group.js';
import { type FirmwareKey, parseFirmwareKey } from './keys.js';
import { decodeLogEntry, type LogEntry } from './log-entry.js';
import { compareReleases, type ReleaseId } from './names.js';
import { decodeOutcomes, type OutcomeRecord } from './outcomes.js';
import { decodeRelease, type Release } from './release.js';
import { decodeRollout, type Rollout } from './rollout.js';
import { decodeType, type FirmwareType } from './type-record.js';

/** A key that cannot be read; what it holds counts as absent. */
export interface UnreadableKey {
  readonly key: string;
  readonly reason: string;
}

/** A change that was made to a type, and the revision of its ground (see `logKey`). */
interface LoggedChange extends LogEntry {
  readonly revision: number;
}

/** A release that is offered to nobody, since no trusted key vouches for it. */
export interface RejectedRelease {
  readonly release: Release;
  readonly reason: string;
}

/** Everything that etcd holds of one type. */
export interface TypeState {
  readonly type: string;
  /** undefined before the first release is published, or where it cannot be read. */
  readonly record: FirmwareType | undefined;
  readonly rollout: Rollout | undefined;
  /** The oldest release first. */
  readonly releases: ReadonlyMap<ReleaseId, Release>;
  /** Releases that `acceptReleases` has taken out of `releases`; none where release keys are not used. */
  readonly rejected: ReadonlyMap<ReleaseId, RejectedRelease>;
  readonly groups: ReadonlyMap<string, Group>;
  /** What each NGINX has counted, by its epoch. */
  readonly outcomes: ReadonlyMap<string, OutcomeRecord>;
  /** The oldest change first. */
  readonly log: readonly LoggedChange[];
  /** The newest write among the type's keys; 0 where there is none. */
  readonly revision: number;
  /** When each of the type's keys was last written, those that cannot be read included. */
  readonly written: ReadonlyMap<string, number>;
  readonly unreadable: readonly UnreadableKey[];
}

/**
 * The releases by which devices find their way, see `stonesBelow`: those that are rejected as well, since a stepping stone
 * that has expired must not be left out.
 */
export function stepsOf({ releases, rejected }: TypeState): ReadonlyMap<ReleaseId, Release> {
  return new Map([...releases, ...[...rejected].map(([id, { release }]) => [id, release] as const)]);
}

/** A type of which etcd holds nothing. */
export function emptyType(type: string): TypeState {
  return new TypeBuilder(type).build();
}

/**
 * The types among keys under `firmwareRoot`, by name. Keys and values are untrusted: what cannot be read is listed with
 * its type, or left out where it names none.
 */
export function readTypes(prefixes: KeyPrefixes, keyValues: Iterable<KeyValue>): Map<string, TypeState> {
  const builders = new Map<string, TypeBuilder>();
  for (const keyValue of keyValues) {
    const key = parseFirmwareKey(prefixes, keyValue.key);
    if (!key.ok) continue;
    const { type } = key.value;
    const builder = builders.get(type) ?? new TypeBuilder(type);
    builders.set(type, builder);
    builder.add(key.value, keyValue);
  }
  return new Map([...builders].map(([type, builder]) => [type, builder.build()]));
}

class TypeBuilder {
  readonly #type: string;
  readonly #releases = new Map<ReleaseId, Release>();
  readonly #groups = new Map<string, Group>();
  readonly #outcomes = new Map<string, OutcomeRecord>();
  readonly #log: LoggedChange[] = [];
  readonly #written = new Map<string, number>();
  readonly #unreadable: UnreadableKey[] = [];
  #record: FirmwareType | undefined;
  #rollout: Rollout | undefined;

  constructor(type: string) {
    this.#type = type;
  }

  add(key: FirmwareKey, keyValue: KeyValue): void {
    this.#written.set(keyValue.key, keyValue.revision);
    const { value } = keyValue;
    switch (key.kind) {
      case 'type':
        this.#record = this.#read(keyValue, decodeType(value));
        break;
      case 'rollout':
        this.#rollout = this.#read(keyValue, decodeRollout(value));
        break;
      case 'release':
        this.#keep(this.#releases, key.version, this.#read(keyValue, decodeRelease(key.version, value)));
        break;
      case 'group':
        this.#keep(this.#groups, key.group, this.#read(keyValue, decodeGroup(value)));
        break;
      case 'log': {
        const entry = this.#read(keyValue, decodeLogEntry(value));
        if (entry) this.#log.push({ ...entry, revision: key.revision });
        break;
      }
      case 'outcomes':
        this.#keep(this.#outcomes, key.epoch, this.#read(keyValue, decodeOutcomes(value)));
        break;
    }
  }

  #read<T>({ key }: KeyValue, decoded: Result<T>): T | undefined {
    if (decoded.ok) return decoded.value;
    this.#unreadable.push({ key, reason: decoded.reason });
    return undefined;
  }

  #keep<T>(map: Map<string, T>, name: string, value: T | undefined): void {
    if (value !== undefined) map.set(name, value);
  }

  build(): TypeState {
    const releases = [...this.#releases].sort(([a], [b]) => compareReleases(a, b));
    return {
      type: this.#type,
      record: this.#record,
      rollout: this.#rollout,
      releases: new Map(releases),
      rejected: new Map(),
      groups: this.#groups,
      outcomes: this.#outcomes,
      log: this.#log.toSorted((a, b) => a.revision - b.revision),
      revision: Math.max(0, ...this.#written.values()),
      written: this.#written,
      unreadable: this.#unreadable,
    };
  }
}
