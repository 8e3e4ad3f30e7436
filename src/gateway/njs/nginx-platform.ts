/** The store's {@link Platform} in NGINX. */
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import crypto from 'crypto';
// biome-ignore lint/style/useNodejsImportProtocol: njs knows its modules by bare names.
import fs from 'fs';
import type { Bytes } from '../model/network.js';
import * as network from '../model/network.js';
import type { Kind } from '../model/server.js';
import type { NumberDict, Platform, StringDict } from '../store/platform.js';
import * as files from './files.js';
import type { Pacer } from './pacing.js';
import * as pacing from './pacing.js';
import * as timeSlices from './time-slices.js';

const STATE = '/var/lib/sidekick-gateway';

/** The path of a state file. Names come from gateway.json, never from a request. */
function fileOf(kind: Kind, name: string): string {
  return `${STATE}/${kind}.${name}`;
}

/**
 * Milliseconds since the host started, from the kernel, because njs has no monotonic clock. Without `/proc`, the clock that
 * can be set.
 */
function clock(): number {
  const text = files.read('/proc/uptime');
  return text === undefined ? Date.now() : Math.round(Number(text.substring(0, text.indexOf(' '))) * 1000);
}

function digest(text: string): Uint8Array {
  return crypto.createHash('sha256').update(text).digest();
}

/** A copy of a preloaded array, which has an index and a length, but no methods. */
function copy(list: string[] | undefined): string[] {
  const copied: string[] = [];
  if (list !== undefined) for (let i = 0; i < list.length; i++) copied.push(list[i] as string);
  return copied;
}

function hostAddresses(): Bytes[] {
  return network.hostAddresses(
    files.read('/proc/net/fib_trie') || '',
    files.read('/proc/net/if_inet6') || '',
  );
}

function memory(): { [zone: string]: { capacity: number; free: number } } {
  const shared = ngx.shared as unknown as { [zone: string]: { capacity: number; freeSpace(): number } };
  const found: { [zone: string]: { capacity: number; free: number } } = {};
  Object.keys(shared).forEach((name) => {
    const dict = shared[name] as { capacity: number; freeSpace(): number };
    found[name] = { capacity: dict.capacity, free: dict.freeSpace() };
  });
  return found;
}

/** The platform of the http or the stream block. */
export function platformOf(kind: Kind): Platform {
  const shared = ngx.shared as unknown as { [zone: string]: unknown };
  const config = gateway[kind];
  return {
    kind: kind,
    config: config === undefined ? {} : config,
    allow: copy(gateway.allow),
    hostAddresses: hostAddresses,
    tables: shared[`${kind}_tables`] as StringDict,
    counters: shared[`${kind}_counters`] as NumberDict,
    keyvals: shared[`${kind}_keyvals`] as StringDict,
    pid: process.pid,
    now: Date.now,
    clock: clock,
    workers: workerProcesses,
    alive: files.isRunning,
    read: (name) => files.read(fileOf(kind, name)),
    append: (name, text) => fs.appendFileSync(fileOf(kind, name), text),
    rename: (from, to) => fs.renameSync(fileOf(kind, from), fileOf(kind, to)),
    remove: (name) => files.remove(fileOf(kind, name)),
    digest: digest,
    memory: memory,
    warn: (message) => ngx.log(ngx.WARN, message),
  };
}

/** The pacer of an API call in this worker. */
export function createPacer(platform: Platform): Pacer {
  return pacing.createPacer({
    id: ngx.worker_id,
    counters: platform.counters,
    now: () => platform.now(),
    pause: timeSlices.pause,
  });
}

/** Process ids of the workers that are not shutting down; empty if the kernel does not list them. */
export function servingWorkers(): number[] {
  return workerProcesses().filter(
    (pid) => (files.read(`/proc/${pid}/cmdline`) || '').indexOf('shutting down') < 0,
  );
}

/** Process ids of the master's workers; empty if the kernel does not list them. */
function workerProcesses(): number[] {
  const text = files.read(`/proc/${process.ppid}/task/${process.ppid}/children`);
  if (text === undefined) return [];
  // In a container the master may be process 1, and orphaned processes are its children too.
  const isWorker = (pid: string) => (files.read(`/proc/${pid}/cmdline`) || '').indexOf('nginx: worker') === 0;
  return text.split(' ').filter(isWorker).map(Number);
}
