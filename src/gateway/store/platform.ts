/** What the store needs from NGINX and the host. njs/nginx-platform.ts implements it; tests have an implementation in memory. */

import type { Digest } from '../model/consistent-hash.js';
import type { Bytes } from '../model/network.js';
import type { Kind } from '../model/server.js';
import type { KindConfig } from './config.js';

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

/** The environment of the http or the stream half of the gateway. */
export interface Platform {
  kind: Kind;
  config: KindConfig;
  /** Special-purpose networks that servers may be in nevertheless, such as `127.0.0.0/8`. */
  allow: string[];
  /** Addresses of this host; empty if the kernel does not list them. */
  hostAddresses(): Bytes[];
  /** Groups, tables, locks. */
  tables: StringDict;
  /** Statistics and sequence numbers. */
  counters: NumberDict;
  /** Keyval zones. */
  keyvals: StringDict;
  /** Process id of this worker. */
  pid: number;
  /** Milliseconds since the epoch, by a clock that can be set. Only for times that are shown. */
  now(): number;
  /** Milliseconds of a monotonic clock, to about 10 ms. For all intervals. It starts before shared memory is created. */
  clock(): number;
  /** Process ids of the master's workers, those that are shutting down included; empty if the kernel does not list them. */
  workers(): number[];
  /** Whether a process is running. */
  alive(pid: number): boolean;
  /** The contents of a state file; `undefined` if it does not exist. */
  read(name: string): string | undefined;
  /** Appends to a file, which is created if it does not exist. */
  append(name: string, text: string): void;
  /** Renames a file and replaces the one that has the new name. */
  rename(from: string, to: string): void;
  /** Removes a file if it exists. */
  remove(name: string): void;
  digest: Digest;
  /** The shared memory zones by name: their size and their free space, in bytes. */
  memory(): { [zone: string]: { capacity: number; free: number } };
  /** Writes a warning to NGINX's error log. */
  warn(message: string): void;
}

/** For `keys` and `items`: no limit. njs's default is 1,024. */
export const ALL = 1_000_000_000;
