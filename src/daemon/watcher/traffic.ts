import type { Address } from '../../core/address.js';
import { defined } from '../../core/defined.js';
import { NginxError } from '../../core/errors.js';
import type { Clock, PeerTraffic, TrafficApi } from '../../core/ports.js';
import { type UpstreamId, type UpstreamRef, upstreamId } from '../../core/upstream.js';

/** The traffic of one server, or of all of an upstream. */
export interface Traffic {
  /** Open requests or connections. */
  readonly active?: number;
  /** New requests (http) or connections (stream) in a second; undefined until the counters have been read twice. */
  readonly rate?: number;
}

export interface UpstreamTraffic {
  readonly total: Traffic;
  readonly servers: ReadonlyMap<Address, Traffic>;
}

/** How often the counters of a group are read while somebody looks, in ms. */
const INTERVAL = 2_000;

/** The time that is added for each server, in ms: a large group is a large answer, which NGINX has to write. */
const INTERVAL_PER_SERVER = 3;

interface Reading {
  readonly at: number;
  readonly counters: ReadonlyMap<Address, PeerTraffic>;
  readonly traffic: UpstreamTraffic;
}

/**
 * The traffic of the upstreams of several NGINX, by their own counters. They are read only when `refresh` is called, and no
 * more often than the size of a group allows: while nobody looks, it costs nothing.
 */
export class TrafficMonitor {
  readonly #apis: ReadonlyMap<string, TrafficApi>;
  readonly #clock: Clock;
  readonly #readings = new Map<string, Map<UpstreamId, Reading>>();
  /** When a read of an upstream was last begun. */
  readonly #asked = new Map<string, number>();
  /** The NGINX that are being read. */
  readonly #busy = new Map<string, Promise<void>>();

  constructor(apis: readonly TrafficApi[], clock: Clock) {
    this.#apis = new Map(apis.map((api) => [api.name, api]));
    this.#clock = clock;
  }

  /** As it was last read; undefined where it has not been, or not lately. */
  of(nginx: string, ref: UpstreamRef): UpstreamTraffic | undefined {
    return this.#readings.get(nginx)?.get(upstreamId(ref))?.traffic;
  }

  /**
   * Begins to read what is due of an NGINX, one group after the other, and returns at once. Groups that are not named are
   * forgotten.
   */
  refresh(
    nginx: string,
    upstreams: readonly (UpstreamRef & { readonly servers: number })[],
    signal: AbortSignal,
  ): void {
    const api = this.#apis.get(nginx);
    if (!api || this.#busy.has(nginx) || signal.aborted) return;
    this.#forget(nginx, new Set(upstreams.map(upstreamId)));
    const due = upstreams.filter(({ servers, ...ref }) => this.#isDue(nginx, ref, servers));
    if (due.length === 0) return;
    const reading = this.#readAll(api, due, signal).finally(() => this.#busy.delete(nginx));
    this.#busy.set(nginx, reading);
  }

  /** Resolves when no read is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values());
  }

  #isDue(nginx: string, ref: UpstreamRef, servers: number): boolean {
    const askedAt = this.#asked.get(`${nginx}/${upstreamId(ref)}`);
    return askedAt === undefined || this.#clock() - askedAt >= INTERVAL + servers * INTERVAL_PER_SERVER;
  }

  #forget(nginx: string, kept: ReadonlySet<UpstreamId>): void {
    const readings = this.#readings.get(nginx);
    for (const id of readings?.keys() ?? []) {
      if (kept.has(id)) continue;
      readings?.delete(id);
      this.#asked.delete(`${nginx}/${id}`);
    }
  }

  async #readAll(api: TrafficApi, due: readonly UpstreamRef[], signal: AbortSignal): Promise<void> {
    for (const { kind, name } of due) {
      if (signal.aborted) return;
      await this.#read(api, { kind, name }, signal);
    }
  }

  /** What cannot be read is shown as not known; that NGINX does not answer, its connection says. */
  async #read(api: TrafficApi, ref: UpstreamRef, signal: AbortSignal): Promise<void> {
    const id = upstreamId(ref);
    const readings = this.#readings.get(api.name) ?? new Map<UpstreamId, Reading>();
    this.#readings.set(api.name, readings);
    this.#asked.set(`${api.name}/${id}`, this.#clock());
    try {
      const counters = await api.traffic(ref, signal);
      const at = this.#clock();
      readings.set(id, { at, counters, traffic: trafficOf(counters, at, readings.get(id)) });
    } catch (error) {
      if (!(error instanceof NginxError) && !signal.aborted) throw error;
      readings.delete(id);
    }
  }
}

/** A rate over a longer time than this, in ms, says nothing of now. */
const LONGEST_GAP = 120_000;

function trafficOf(
  counters: ReadonlyMap<Address, PeerTraffic>,
  at: number,
  before: Reading | undefined,
): UpstreamTraffic {
  const seconds = before && at - before.at <= LONGEST_GAP ? (at - before.at) / 1000 : 0;
  const servers = new Map<Address, Traffic>();
  for (const [address, { active, total }] of counters) {
    const rate = rateOf(total, before?.counters.get(address)?.total, seconds);
    servers.set(address, defined({ active, rate }));
  }
  return { servers, total: sumOf([...servers.values()]) };
}

/** A counter that has become smaller has begun anew. */
function rateOf(now: number | undefined, before: number | undefined, seconds: number): number | undefined {
  if (now === undefined || before === undefined || seconds <= 0 || now < before) return undefined;
  return Math.round(((now - before) / seconds) * 10) / 10;
}

function sumOf(servers: readonly Traffic[]): Traffic {
  const add = (name: keyof Traffic) => {
    const known = servers.flatMap((server) => server[name] ?? []);
    return known.length > 0 ? Math.round(known.reduce((a, b) => a + b, 0) * 10) / 10 : undefined;
  };
  return defined({ active: add('active'), rate: add('rate') });
}
