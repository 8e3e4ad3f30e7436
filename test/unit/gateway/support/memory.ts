/** NGINX's shared dictionaries, files and clock, in memory. Several workers may share one. */
import { createHash } from 'node:crypto';
import * as dispatch from '../../../../src/gateway/api/dispatch.js';
import type { ProcessInfo } from '../../../../src/gateway/api/process-info.js';
import type { ApiRequest } from '../../../../src/gateway/api/request.js';
import * as steps from '../../../../src/gateway/model/steps.js';
import type { KindConfig } from '../../../../src/gateway/store/config.js';
import type { Peer } from '../../../../src/gateway/store/group.js';
import * as maintenance from '../../../../src/gateway/store/maintenance.js';
import type { Platform } from '../../../../src/gateway/store/platform.js';
import * as servers from '../../../../src/gateway/store/servers.js';

/** An njs dictionary: shared by all workers, each operation atomic. */
export class FakeDict<V extends string | number> {
  readonly entries = new Map<string, V>();
  /** Keys and values together may not exceed this; beyond it, `set` throws as njs does. */
  limit = Number.POSITIVE_INFINITY;
  operations = 0;
  /** Called before each operation: lets a test interleave workers. */
  before: (operation: string, key: string) => void = () => {};

  #step(operation: string, key: string): void {
    this.operations++;
    this.before(operation, key);
  }

  #usedBeside(key: string): number {
    const others = [...this.entries].filter(([other]) => other !== key);
    return others.reduce((sum, [k, v]) => sum + k.length + String(v).length, 0);
  }

  get(key: string): V | undefined {
    this.#step('get', key);
    return this.entries.get(key);
  }

  set(key: string, value: V): this {
    this.#step('set', key);
    if (
      this.limit < Number.POSITIVE_INFINITY &&
      this.#usedBeside(key) + key.length + String(value).length > this.limit
    )
      throw new Error('SharedMemoryError');
    this.entries.set(key, value);
    return this;
  }

  add(key: string, value: V): boolean {
    this.#step('add', key);
    if (this.entries.has(key)) return false;
    this.entries.set(key, value);
    return true;
  }

  delete(key: string): boolean {
    this.#step('delete', key);
    return this.entries.delete(key);
  }

  incr(key: string, by: number): number {
    this.#step('incr', key);
    const next = Number(this.entries.get(key) ?? 0) + by;
    this.entries.set(key, next as V);
    return next;
  }

  keys(max = 1024): string[] {
    return [...this.entries.keys()].slice(0, max);
  }

  items(max = 1024): [string, V][] {
    return [...this.entries].slice(0, max);
  }
}

/** The shared memory, the disk and the clocks of one NGINX. */
export class FakeNginx {
  readonly tables = new FakeDict<string>();
  readonly counters = new FakeDict<number>();
  readonly keyvals = new FakeDict<string>();
  readonly files = new Map<string, string>();
  readonly warnings: string[] = [];
  readonly dead = new Set<number>();
  /** The clock that can be set. */
  now = 1_700_000_000_000;
  /** The monotonic clock. */
  clock = 5_000_000;
  /** Special-purpose networks that servers may be in nevertheless. */
  allow: string[] = [];
  /** The gateway's own addresses. */
  hostAddresses: number[][] = [];
  /** The master's workers, if they are known. */
  workers: number[] = [];
  /** Set to make writes of files fail. */
  diskError: Error | undefined;
  /** Called before each change of a file. */
  beforeFile: (name: string) => void = () => {};

  constructor(
    readonly config: KindConfig,
    readonly kind: Platform['kind'] = 'http',
  ) {}

  #touch(name: string): void {
    this.beforeFile(name);
    if (this.diskError) throw this.diskError;
  }

  /** What the store sees in one worker. */
  worker(pid = 100): Platform {
    return {
      kind: this.kind,
      config: this.config,
      allow: this.allow,
      hostAddresses: () => this.hostAddresses,
      tables: this.tables,
      counters: this.counters,
      keyvals: this.keyvals,
      pid,
      now: () => this.now,
      clock: () => this.clock,
      workers: () => this.workers.filter((worker) => !this.dead.has(worker)),
      alive: (other) => !this.dead.has(other),
      read: (name) => this.files.get(name),
      append: (name, text) => {
        this.#touch(name);
        this.files.set(name, (this.files.get(name) ?? '') + text);
      },
      rename: (from, to) => {
        this.#touch(to);
        this.files.set(to, this.files.get(from) as string);
        this.files.delete(from);
      },
      remove: (name) => {
        this.files.delete(name);
      },
      digest: sha256,
      memory: () => ({ [`${this.kind}_tables`]: { capacity: 33_554_432, free: 32_768_000 } }),
      warn: (message) => this.warnings.push(message),
    };
  }

  /** Advances both clocks. */
  pass(ms: number): void {
    this.now += ms;
    this.clock += ms;
  }

  /** Does the maintenance tasks: builds tables and writes state files. */
  settle(): void {
    const next = () => maintenance.nextTask(this.worker(), 2000);
    for (let step = next(); step !== undefined; step = next()) steps.run(step);
  }

  /** The same host after NGINX has ended: only the disk is left. */
  restarted(): FakeNginx {
    const next = new FakeNginx(this.config, this.kind);
    for (const [name, text] of this.files) next.files.set(name, text);
    return next;
  }
}

/** Sends a request to the API and returns the whole response. */
export function respond(
  platform: Platform,
  nginx: ProcessInfo | undefined,
  request: ApiRequest,
): { status: number; text: string } {
  const reply = dispatch.respond(platform, nginx, request);
  return { status: reply.status, text: reply.pieces.map((piece) => piece()).join('') };
}

/** All servers of a group. */
export function peersOf(platform: Platform, name: string): Peer[] {
  return servers.serverPages(platform, name).flatMap((readPage) => readPage());
}

/** SHA-256, as njs's crypto module computes it. */
export function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
