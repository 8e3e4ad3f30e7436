/** What the store needs from NGINX and from the machine; njs gives it in production, tests give their own. */

import type { Digest } from '../model/consistent-hash.js';
import type { Bytes } from '../model/network.js';
import type { Kind } from '../model/server.js';

/** An njs shared dictionary of strings. */
export interface StringDict {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
  add(key: string, value: string): boolean;
  delete(key: string): boolean;
  keys(max: number): string[];
}

/** An njs shared dictionary of numbers. */
export interface NumberDict {
  get(key: string): number | undefined;
  set(key: string, value: number): unknown;
  add(key: string, value: number): boolean;
  incr(key: string, by: number): number;
  delete(key: string): boolean;
  items(max: number): [string, number][];
}

/** How a group shares out its requests. No `method` is weighted round robin. */
export interface UpstreamConfig {
  method?: 'round_robin' | 'least_conn' | 'hash';
  /** The variable whose value `hash` goes by, such as `$mqtt_client_id`. */
  key?: string;
  /** Servers to begin with while there is no state, as `address parameter=value …`. */
  servers?: string[];
}

/** A keyval zone; with a `timeout` its keys expire. */
export interface KeyvalConfig {
  timeout?: string;
}

/** One half of `gateway.json`. */
export interface KindConfig {
  upstreams?: { [name: string]: UpstreamConfig };
  keyvals?: { [name: string]: KeyvalConfig };
}

/** Everything a store works with. */
export interface Platform {
  kind: Kind;
  config: KindConfig;
  /** Networks that servers may be in although they are not what a server of a group is in, such as `127.0.0.0/8`. */
  allow: string[];
  /** Addresses of this host; empty where the kernel does not tell. */
  own(): Bytes[];
  /** Groups, tables, the lock. */
  tables: StringDict;
  /** Figures and sequence numbers. */
  counters: NumberDict;
  /** Key-value zones. */
  keyvals: StringDict;
  /** Identifies this worker. */
  pid: number;
  /** Milliseconds since the epoch, by a clock that may be set: for showing alone. */
  now(): number;
  /** Milliseconds of a clock that nobody sets, to about 10 ms: for every interval. Shared memory does not outlive it. */
  clock(): number;
  /** The master's workers; empty where nobody knows. */
  workers(): number[];
  /** Whether a process of this NGINX still runs. */
  alive(pid: number): boolean;
  /** A state file's text, `undefined` when there is none. */
  read(name: string): string | undefined;
  /** Adds to the end of a file, which need not be there yet. */
  append(name: string, text: string): void;
  /** Gives a file another name, in place of the one that has it. */
  rename(from: string, to: string): void;
  /** Removes a file, if it is there. */
  remove(name: string): void;
  digest: Digest;
  /** The shared memory zones by name: their size and what is free of it, in bytes. */
  memory(): { [zone: string]: { capacity: number; free: number } };
  /** Something an operator should see in the error log. */
  warn(message: string): void;
}

/** No limit for `keys` and `items`, whose default is 1,024. */
export const ALL = 1_000_000_000;
