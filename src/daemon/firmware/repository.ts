import type { KeyPrefixes } from '../../core/keys.js';
import type { KeyValue, RegistryClient, Transaction } from '../../core/ports.js';
import { encodeGroup, type Group } from '../../firmware/group.js';
import {
  firmwarePrefix,
  firmwareRoot,
  groupKey,
  logKey,
  releaseKey,
  rolloutKey,
  typeKey,
} from '../../firmware/keys.js';
import { decodeLogEntry, encodeLogEntry, type LogEntry } from '../../firmware/log-entry.js';
import type { ReleaseId } from '../../firmware/names.js';
import { encodeRelease, type Release, releaseId } from '../../firmware/release.js';
import { encodeRollout, type Rollout } from '../../firmware/rollout.js';
import { encodeType, type FirmwareType } from '../../firmware/type-record.js';
import { emptyType, readTypes, type TypeState } from '../../firmware/type-state.js';

/** One change to a type. All of it is written together, or none of it. */
export interface TypeChange {
  /** What was done, by whom and when; it stands in the type's log. */
  readonly entry: LogEntry;
  readonly record?: FirmwareType;
  readonly rollout?: Rollout;
  /** A release to create. */
  readonly release?: Release;
  /** A release that there is, with another signature and nothing else. */
  readonly signedAnew?: Release;
  readonly group?: { readonly name: string; readonly ids: Group };
  /** A group to delete. */
  readonly deleteGroup?: string;
  /** Releases to delete. */
  readonly prune?: readonly ReleaseId[];
}

/** What became of a change. */
export type ChangeResult =
  | { readonly made: true; readonly revision: number }
  /** Somebody else changed the type after it was read; `by` is their log entry, where it can be read. */
  | { readonly made: false; readonly by: LogEntry | undefined };

/** Reads and changes what etcd holds of firmware. A change is a compare-and-swap on the ground that was read. */
export class FirmwareRepository {
  readonly #registry: RegistryClient;
  readonly #prefixes: KeyPrefixes;

  constructor(registry: RegistryClient, prefixes: KeyPrefixes) {
    this.#registry = registry;
    this.#prefixes = prefixes;
  }

  /** Every type, by name. Rejects with EtcdError. */
  async types(signal: AbortSignal): Promise<ReadonlyMap<string, TypeState>> {
    return readTypes(this.#prefixes, await this.#registry.list(firmwareRoot(this.#prefixes), signal));
  }

  /** One type. Rejects with EtcdError. */
  async type(name: string, signal: AbortSignal): Promise<TypeState> {
    const keyValues = await this.#registry.list(firmwarePrefix(this.#prefixes, name), signal);
    return readTypes(this.#prefixes, keyValues).get(name) ?? emptyType(name);
  }

  /**
   * Makes a change, if the type is as `ground` has it in everything that the change builds on. A call whose answer was
   * lost is settled by the log, which only one change on the same ground can write. Rejects with EtcdError.
   */
  async change(ground: TypeState, change: TypeChange, signal: AbortSignal): Promise<ChangeResult> {
    const log = logKey(this.#prefixes, ground.type, ground.revision);
    const text = encodeLogEntry(change.entry);
    const transaction = this.#transaction(ground, change, log, text);
    try {
      const result = await this.#registry.commit(transaction, signal);
      if (result.committed) return { made: true, revision: result.revision };
      return { made: false, by: await this.#winner(ground, result.current.get(log), signal) };
    } catch (error) {
      const written = (await this.#registry.read([log], signal).catch(() => undefined))?.get(log);
      if (written?.value === text) return { made: true, revision: written.revision };
      throw error;
    }
  }

  #transaction(ground: TypeState, change: TypeChange, log: string, entry: string): Transaction {
    const prefixes = this.#prefixes;
    const { type, written } = ground;
    const puts = new Map([[log, entry]]);
    // Whatever the change is, nobody may have changed the rollout meanwhile: it decides what is offered.
    const expected = new Map([
      [log, 0],
      [rolloutKey(prefixes, type), written.get(rolloutKey(prefixes, type)) ?? 0],
    ]);
    const put = (key: string, value: string): void => {
      puts.set(key, value);
      expected.set(key, written.get(key) ?? 0);
    };
    if (change.record) put(typeKey(prefixes, type), encodeType(change.record));
    if (change.rollout) put(rolloutKey(prefixes, type), encodeRollout(change.rollout));
    if (change.signedAnew) {
      put(releaseKey(prefixes, type, releaseId(change.signedAnew)), encodeRelease(change.signedAnew));
    }
    if (change.group) put(groupKey(prefixes, type, change.group.name), encodeGroup(change.group.ids));
    for (const version of namedBy(change.rollout)) {
      const key = releaseKey(prefixes, type, version);
      expected.set(key, written.get(key) ?? 0);
    }
    // After the releases that the rollout names: this one is created, so it must not exist.
    if (change.release) {
      const key = releaseKey(prefixes, type, releaseId(change.release));
      puts.set(key, encodeRelease(change.release));
      expected.set(key, 0);
    }
    const deletes = (change.prune ?? []).map((version) => releaseKey(prefixes, type, version));
    if (change.deleteGroup !== undefined) deletes.push(groupKey(prefixes, type, change.deleteGroup));
    return { expected, puts, deletes };
  }

  /** Who was first: whoever made the change on the same ground, or else the newest change of the type. */
  async #winner(
    { type, revision }: TypeState,
    sameGround: KeyValue | undefined,
    signal: AbortSignal,
  ): Promise<LogEntry | undefined> {
    const entry = sameGround && decodeLogEntry(sameGround.value);
    if (entry?.ok) return entry.value;
    return (await this.type(type, signal)).log.findLast((change) => change.revision >= revision);
  }
}

/** The releases that a rollout cannot do without. */
function namedBy(rollout: Rollout | undefined): readonly ReleaseId[] {
  const { stable, previous, candidate, shadow } = rollout ?? {};
  return [stable, previous, candidate?.version, shadow?.version].filter((version) => version !== undefined);
}
