import type { Address } from './address.js';
import type { ServerParameters } from './server-parameters.js';
import type { Kind, UpstreamRef } from './upstream.js';

/**
 * The interfaces through which the daemons reach the outside. The adapters implement them; the contract suites run every
 * implementation, fakes included, through the same tests.
 * Every call takes an AbortSignal, and rejects with the signal's reason when it is aborted.
 */

// --- etcd ---------------------------------------------------------------------------------------------------------

/** The longest value, in bytes, that a reader of prefixes keeps. The values that sidekick writes are far shorter. */
export const MAX_VALUE_BYTES = 65_536;

/** One key as etcd holds it. */
export interface KeyValue {
  readonly key: string;
  /** Decoded as UTF-8; invalid bytes become U+FFFD. Empty if the value is `oversized`. */
  readonly value: string;
  /**
   * Set if the value is longer than MAX_VALUE_BYTES: a lower bound of its length, in bytes. The value itself is dropped
   * while it arrives. Only reads by prefix do this; `RegistryClient.read` returns every value whole.
   */
  readonly oversized?: number;
  /** The store's revision at the last write of this key. */
  readonly revision: number;
  /** The store's revision at which the key was created; undefined if that is not known. */
  readonly created?: number;
  /** The lease it lives under, if any. */
  readonly lease?: LeaseId;
}

/** An etcd lease ID in decimal. */
export type LeaseId = string;

/** The keys under some prefixes, and which of them have changed. */
export interface RegistrySnapshot {
  /** Read-only, and not a copy: later changes go into the same map. */
  readonly entries: ReadonlyMap<string, KeyValue>;
  /** The store revision up to which `entries` was true when the snapshot was handed out. */
  readonly revision: number;
  /** The keys that were put or deleted since the snapshot before (in the first one: all of them). */
  readonly changed: ReadonlySet<string>;
}

export interface RegistryListener {
  /** A newer snapshot. Also called, with no `changed`, when etcd answers again after `onUnavailable`. */
  onSnapshot(view: RegistrySnapshot): void;
  /**
   * etcd cannot be read now; the last snapshot stays the newest known. Called once per outage, and again when an outage
   * turns from no answer to a refusal (`EtcdError.refused`) or back.
   */
  onUnavailable(error: Error): void;
  /** Every prefix has been read in full, with or without changes. */
  onRead?(): void;
}

export interface RegistryReader {
  /**
   * Follows prefixes until the signal is aborted, then resolves. It detects and handles outages, compaction, a restored or
   * replaced etcd and stalled watches itself, and never rejects for them.
   */
  watch(prefixes: readonly string[], observer: RegistryListener, signal: AbortSignal): Promise<void>;
}

export interface PutOptions {
  readonly lease?: LeaseId;
}

/**
 * Writes that are made together, and only if some keys have not changed since they were read (compare-and-swap). At most
 * 128 of each, which is etcd's limit.
 */
export interface Transaction {
  /** The revision at which each key was last written; 0 for a key that must not exist. */
  readonly expected: ReadonlyMap<string, number>;
  readonly puts: ReadonlyMap<string, string>;
  readonly deletes?: readonly string[];
}

/** The result of a transaction. If it was not committed, nothing was written. */
export type Committed =
  | { readonly committed: true; readonly revision: number }
  /** @param current The expected keys as they are now; keys that do not exist are missing. */
  | { readonly committed: false; readonly current: ReadonlyMap<string, KeyValue> };

/** The unary calls to etcd. Each has its own deadline and rejects with EtcdError. */
export interface RegistryClient {
  /** One consistent read of everything under a prefix. */
  list(prefix: string, signal: AbortSignal): Promise<readonly KeyValue[]>;
  /** One read of several keys; those that do not exist are missing from the map. */
  read(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, KeyValue>>;
  /**
   * The revision of the store: at least that of every write made before the call.
   * @param key One that the client may read, since etcd refuses others.
   */
  currentRevision(key: string, signal: AbortSignal): Promise<number>;
  /** Resolves to the revision of the write. Rejects with LeaseGoneError when the lease is not there. */
  put(key: string, value: string, options: PutOptions, signal: AbortSignal): Promise<number>;
  /** Deletes the key; with `lease`, only if it still lives under that lease. Resolves to whether it was deleted. */
  remove(key: string, options: PutOptions, signal: AbortSignal): Promise<boolean>;
  /**
   * Commits a transaction, or returns the expected keys as they are. If it rejects, the transaction may or may not have
   * been committed: the caller has to read again.
   */
  commit(transaction: Transaction, signal: AbortSignal): Promise<Committed>;
  /** Grants a lease of `ttl` milliseconds (etcd keeps whole seconds, at least 1). */
  grant(ttl: number, signal: AbortSignal): Promise<LeaseId>;
  /** Renews the lease to its full TTL. Rejects with LeaseGoneError when it is gone. */
  keepAlive(lease: LeaseId, signal: AbortSignal): Promise<void>;
  /** Whether etcd has the lease. It need not be this client's. */
  leaseExists(lease: LeaseId, signal: AbortSignal): Promise<boolean>;
  /** Ends the lease and deletes the keys that live under it. A lease that is already gone is no error. */
  revoke(lease: LeaseId, signal: AbortSignal): Promise<void>;
}

// --- NGINX --------------------------------------------------------------------------------------------------------

/** The end of the gateway's build name. Unlike NGINX Plus, the gateway has no health checks of its own. */
const GATEWAY_BUILD = 'sidekick-gateway';

export function isGateway(build: string): boolean {
  return build.endsWith(GATEWAY_BUILD);
}

/** Identifies one run of one NGINX. When any of it changes, every server id is void and the state may have changed. */
export interface NginxIdentity {
  readonly generation: number;
  /** Of the master process: any of several workers may answer, so a worker's pid identifies nothing. */
  readonly pid: number;
  readonly loadTimestamp: string;
  /** The name of the build; see GATEWAY_BUILD. */
  readonly build: string;
  readonly version: string;
}

/** A server in NGINX. */
export interface ActualServer {
  /** Valid only until the next reload. */
  readonly id: number;
  readonly address: Address;
  readonly parameters: ServerParameters;
  /** http: NGINX's `drain`. Always false for stream, which is drained with `down`. */
  readonly draining: boolean;
  /** Open requests or connections; undefined if it was not asked for or is not known. */
  readonly active?: number;
  /** NGINX sends it nothing: `unhealthy` by its health checks or `unavail` after failed attempts. False if not asked for. */
  readonly failing: boolean;
}

export interface UpstreamState {
  readonly servers: readonly ActualServer[];
  /** The number of servers that sidekick does not manage: DNS names and their children, unix sockets. */
  readonly unmanaged: number;
}

/** One NGINX Plus API endpoint. Every call rejects with NginxError. */
export interface NginxApi {
  readonly name: string;
  identity(signal: AbortSignal): Promise<NginxIdentity>;
  /** The names of the groups of a kind; none if NGINX has no such block. */
  upstreams(kind: Kind, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * The group's servers, some with `active` and `failing` read from its peers: a second question, whose answer is several
   * times as long, and which is asked only where there are such servers.
   * @param countersOf The ids of these servers, of all that the group has; default: every one's.
   */
  upstream(
    ref: UpstreamRef,
    signal: AbortSignal,
    countersOf?: (servers: readonly ActualServer[]) => ReadonlySet<number>,
  ): Promise<UpstreamState>;
  /** One server as it is configured, without its counters. */
  server(ref: UpstreamRef, id: number, signal: AbortSignal): Promise<ActualServer>;
  /**
   * Resolves to the server as NGINX now has it, or to undefined if the response does not show it. The adapter never sends
   * it again: NGINX accepts the same address twice.
   */
  add(
    ref: UpstreamRef,
    address: Address,
    parameters: ServerParameters,
    signal: AbortSignal,
  ): Promise<ActualServer | undefined>;
  update(
    ref: UpstreamRef,
    id: number,
    changes: Partial<ServerParameters>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Stops new requests or sessions to this server: `drain` for http, `down` for stream. Open sessions live on. */
  drain(ref: UpstreamRef, id: number, signal: AbortSignal): Promise<void>;
  remove(ref: UpstreamRef, id: number, signal: AbortSignal): Promise<void>;
}

/** What one server of a group is doing, by NGINX's own counters; undefined where NGINX does not count it. */
export interface PeerTraffic {
  /** Open requests or connections. */
  readonly active?: number;
  /** Requests (http) or connections (stream) that it was given since NGINX has counted them. */
  readonly total?: number;
}

/** The counters of one NGINX, for people who look. Calls reject with NginxError. */
export interface TrafficApi {
  readonly name: string;
  /** The counters of a group by address; of an address that NGINX has more than once, their sum. */
  traffic(ref: UpstreamRef, signal: AbortSignal): Promise<ReadonlyMap<Address, PeerTraffic>>;
}

/** The key-value stores (`keyval_zone`) of one NGINX's http block. Calls reject with NginxError. */
export interface KeyvalApi {
  /** Every pair of a zone; undefined if NGINX has no such zone. */
  keyvals(zone: string, signal: AbortSignal): Promise<ReadonlyMap<string, string> | undefined>;
  /** Sets a key, whether or not it exists. */
  setKeyval(zone: string, key: string, value: string, signal: AbortSignal): Promise<void>;
  /** Removes a key. One that does not exist is no error. */
  removeKeyval(zone: string, key: string, signal: AbortSignal): Promise<void>;
}

// --- health -------------------------------------------------------------------------------------------------------

/** One probe of one instance: resolves if it is healthy, rejects with the reason if it is not. */
export type Probe = (signal: AbortSignal) => Promise<void>;

// --- telemetry ----------------------------------------------------------------------------------------------------

type Fields = Readonly<Record<string, unknown>>;

/** Structured logging, as pino has it. The message is a fixed text; `event` in the fields names the kind of event. */
export interface Log {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

type Labels = Readonly<Record<string, string>>;

/** Metrics by name; the names, types and help texts are declared once in telemetry. */
export interface Meter {
  count(name: string, labels?: Labels, by?: number): void;
  gauge(name: string, value: number, labels?: Labels): void;
  /** Records one value in a histogram. */
  observe(name: string, value: number, labels?: Labels): void;
  /** Removes the series with exactly these labels. */
  remove(name: string, labels: Labels): void;
}

/**
 * Milliseconds of a monotonic clock, for all intervals. Its zero is arbitrary and may be recent, so 0 does not mean "never".
 */
export type Clock = () => number;

/** Milliseconds since the epoch, by the wall clock, which NTP may set: only for times that are shown. */
export type WallClock = () => number;
