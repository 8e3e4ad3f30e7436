import { EtcdError, LeaseGoneError } from '../../core/errors.js';
import type {
  Committed,
  KeyValue,
  LeaseId,
  PutOptions,
  RegistryClient,
  Transaction,
} from '../../core/ports.js';
import type { Cluster } from './cluster.js';
import { sendKeepAlive } from './keep-alive.js';
import { toWholeEntry } from './key-values.js';
import { readSnapshot } from './snapshot.js';

/** etcd's own limit on the operations of one transaction (`--max-txn-ops`). */
const MAX_OPERATIONS = 128;

/** The unary calls to etcd. */
export class EtcdStore implements RegistryClient {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async list(prefix: string, signal: AbortSignal): Promise<readonly KeyValue[]> {
    return [...(await readSnapshot(this.#cluster, [prefix], signal)).entries.values()];
  }

  /** One revision for up to 128 keys, unless their values are long; more are read in several transactions. */
  async read(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, KeyValue>> {
    const found = new Map<string, KeyValue>();
    for (let at = 0; at < keys.length; at += MAX_OPERATIONS) {
      for (const entry of await this.#readSome(keys.slice(at, at + MAX_OPERATIONS), signal)) {
        found.set(entry.key, entry);
      }
    }
    return found;
  }

  /** One transaction, or two of half the keys where their values are too long for one answer. */
  async #readSome(keys: readonly string[], signal: AbortSignal): Promise<readonly KeyValue[]> {
    const success = keys.map((key) => ({ request_range: { key: Buffer.from(key) } }));
    try {
      const { responses } = await this.#cluster.call(
        (client, options) => client.kv.txn({ success }, options),
        { signal },
      );
      return responses.flatMap(({ response_range }) => response_range.kvs.map(toWholeEntry));
    } catch (error) {
      if (keys.length === 1 || !(error instanceof EtcdError && error.code === 'TOO_LARGE')) throw error;
      const half = Math.ceil(keys.length / 2);
      return [
        ...(await this.#readSome(keys.slice(0, half), signal)),
        ...(await this.#readSome(keys.slice(half), signal)),
      ];
    }
  }

  /** A read is linearizable unless it asks not to be. Source: etcd's API guarantees, "Linearizability". */
  async currentRevision(key: string, signal: AbortSignal): Promise<number> {
    const request = { key: Buffer.from(key), count_only: true };
    const { header } = await this.#cluster.call((client, options) => client.kv.range(request, options), {
      signal,
    });
    return Number(header.revision);
  }

  async put(key: string, value: string, { lease }: PutOptions, signal: AbortSignal): Promise<number> {
    const request = {
      key: Buffer.from(key),
      value: Buffer.from(value),
      ...(lease === undefined ? {} : { lease }),
    };
    const settings = { signal, ...(lease === undefined ? {} : { lease }) };
    const { header } = await this.#cluster.call(
      (client, options) => client.kv.put(request, options),
      settings,
    );
    return Number(header.revision);
  }

  async remove(key: string, { lease }: PutOptions, signal: AbortSignal): Promise<boolean> {
    const name = Buffer.from(key);
    const compare =
      lease === undefined ? [] : [{ key: name, target: 'Lease' as const, result: 'Equal' as const, lease }];
    const success = [{ request_delete_range: { key: name } }];
    const { succeeded, responses } = await this.#cluster.call(
      (client, options) => client.kv.txn({ compare, success }, options),
      { signal },
    );
    return (
      succeeded && responses.some(({ response_delete_range }) => Number(response_delete_range.deleted) > 0)
    );
  }

  async commit({ expected, puts, deletes = [] }: Transaction, signal: AbortSignal): Promise<Committed> {
    const compare = [...expected].map(([key, revision]) => ({
      key: Buffer.from(key),
      target: 'Mod' as const,
      result: 'Equal' as const,
      mod_revision: revision,
    }));
    const success = [
      ...[...puts].map(([key, value]) => ({
        request_put: { key: Buffer.from(key), value: Buffer.from(value) },
      })),
      ...deletes.map((key) => ({ request_delete_range: { key: Buffer.from(key) } })),
    ];
    const failure = [...expected.keys()].map((key) => ({ request_range: { key: Buffer.from(key) } }));
    const { succeeded, header, responses } = await this.#cluster.call(
      (client, options) => client.kv.txn({ compare, success, failure }, options),
      { signal },
    );
    if (succeeded) return { committed: true, revision: Number(header.revision) };
    const found = responses.flatMap(({ response_range }) => response_range.kvs.map(toWholeEntry));
    return { committed: false, current: new Map(found.map((keyValue) => [keyValue.key, keyValue])) };
  }

  async grant(ttl: number, signal: AbortSignal): Promise<LeaseId> {
    const seconds = Math.max(1, Math.ceil(ttl / 1000));
    const { ID } = await this.#cluster.call(
      (client, options) => client.leaseClient.leaseGrant({ TTL: seconds }, options),
      { signal },
    );
    return ID;
  }

  async keepAlive(lease: LeaseId, signal: AbortSignal): Promise<void> {
    await this.#cluster.call((client, options) => sendKeepAlive(client, lease, options), { signal, lease });
  }

  async leaseExists(lease: LeaseId, signal: AbortSignal): Promise<boolean> {
    const { TTL } = await this.#cluster.call(
      (client, options) => client.leaseClient.leaseTimeToLive({ ID: lease, keys: false }, options),
      { signal },
    );
    // etcd answers for a lease that it does not have with a TTL of -1 (`LeaseTimeToLiveResponse` in rpc.proto).
    return Number(TTL) >= 0;
  }

  async revoke(lease: LeaseId, signal: AbortSignal): Promise<void> {
    try {
      await this.#cluster.call((client, options) => client.leaseClient.leaseRevoke({ ID: lease }, options), {
        signal,
        lease,
      });
    } catch (error) {
      if (!(error instanceof LeaseGoneError)) throw error;
    }
  }
}
