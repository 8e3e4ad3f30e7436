/**
 * What the API needs to know about NGINX as a whole. Only the endpoints of the root show it, so everything that has to be
 * looked up is a function: a change of a server reads nothing from `/proc`.
 */

import * as traffic from '../balance/traffic-counters.js';
import type { Platform } from '../store/platform.js';
import type { TlsStats } from '../store/zone-stats.js';
import * as zoneStats from '../store/zone-stats.js';
import type { StubStatus } from './stub-status.js';

/** A load of the configuration: its number, from 1, and when it was loaded, in ms since the epoch. */
export interface Generation {
  number: number;
  loaded: number;
}

/** NGINX as a whole. */
export interface ProcessInfo {
  version: string;
  /** The address that received the request. */
  address: string;
  /** Process id of the master. */
  ppid: number;
  generation(): Generation;
  /** Process ids of the workers that are not shutting down. */
  servingWorkers(): number[];
  /** Whether the configuration has a stream block. */
  hasStream(): boolean;
  /** Connections and requests; only for the paths that show them: see {@link needs}. */
  stubStatus?: StubStatus;
  /** What the stream block contributes; only for the paths that show it: see {@link needs}. */
  stream?: BlockInfo;
}

/** What the http and the stream block each have, and the API shows as one. */
export interface BlockInfo {
  slabs: { [zone: string]: Slab };
  /** Absent if there were no TLS handshakes. */
  ssl?: TlsStats;
}

/** A shared memory zone. njs does not tell anything about the slots into which NGINX divides pages. */
interface Slab {
  pages: { used: number; free: number };
}

/** Size of a page of shared memory, in bytes, on all platforms in practical use. */
const PAGE = 4096;

/** What this block has. */
export function blockInfo(platform: Platform): BlockInfo {
  const memory = platform.memory();
  const names = Object.keys(memory);
  const slabs: { [zone: string]: Slab } = {};
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const zone = memory[name] as { capacity: number; free: number };
    const free = Math.floor(zone.free / PAGE);
    slabs[name] = { pages: { used: Math.floor(zone.capacity / PAGE) - free, free: free } };
  }
  const info: BlockInfo = { slabs: slabs };
  const tls = zoneStats.tlsStats(platform, traffic.ALL_TLS);
  if (tls !== undefined) info.ssl = tls;
  return info;
}
