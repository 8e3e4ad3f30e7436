import { printable } from '../core/printable.js';
import { type UpstreamRef, upstreamId } from '../core/upstream.js';
import type { AnnouncedTo } from '../daemon/firmware/broker-link.js';
import type { OfferingStatus } from '../daemon/firmware/offerer.js';
import type { CountedBy } from '../daemon/firmware/outcome-reader.js';
import type { Traffic, TrafficMonitor } from '../daemon/watcher/traffic.js';
import type { NginxView, ServerPage, ServerView, UpstreamView } from '../daemon/watcher/view.js';
import type { Watcher } from '../daemon/watcher/watcher.js';
import type { TypeStatus } from '../firmware/type-status.js';
import type { DashboardSource, ServersQuery } from '../telemetry/dashboard-endpoint.js';
import type { WatchStatus } from './watch.js';

type Firmware = NonNullable<WatchStatus['firmware']>;

interface WatchDashboardParts {
  readonly watcher: Pick<Watcher, 'view' | 'overview' | 'serverPage'>;
  /** Undefined where no firmware is offered. */
  readonly firmware: () => Firmware | undefined;
  readonly traffic: Pick<TrafficMonitor, 'of' | 'refresh'>;
  /** Ends the reads of traffic. */
  readonly signal: AbortSignal;
}

/** A server with its traffic. */
export type DashboardServer = ServerView & Traffic;

/** The part `upstream/<nginx>/<kind>/<name>`. */
export interface DashboardUpstream extends Omit<UpstreamView, 'servers'>, Traffic {
  readonly nginx: string;
  readonly servers: readonly DashboardServer[];
}

/** The part `nginx/<name>`. */
export type DashboardNginx = Omit<NginxView, 'upstreams'>;

/** The part `firmware`. */
export interface DashboardFirmware {
  /** How many firmware servers are registered and not drained. */
  readonly servers: number;
  readonly nginx: OfferingStatus['nginx'];
  /** Which NGINX counts the outcomes of firmware. */
  readonly outcomes: readonly CountedBy[];
  /** Only with `firmware.push`. */
  readonly brokers?: {
    readonly all: number;
    /** How many are told what devices are offered. */
    readonly inSync: number;
    /** Some of the others. */
    readonly behind: readonly AnnouncedTo[];
  };
}

/** Firmware types, and servers or brokers that something waits for, that are shown at most. */
const MOST_TYPES = 100;
const MOST_WAITED_FOR = 10;

/** The longest reason that is shown, in characters. */
const MAX_REASON = 400;

/** What the dashboard shows of a watcher: the watcher's view, with the traffic that NGINX counts, and firmware. */
export class WatchDashboard implements DashboardSource {
  readonly #parts: WatchDashboardParts;

  constructor(parts: WatchDashboardParts) {
    this.#parts = parts;
  }

  parts(): ReadonlyMap<string, unknown> {
    this.#refreshTraffic();
    const { nginx, ...view } = this.#parts.watcher.view();
    const firmware = this.#parts.firmware();
    return new Map<string, unknown>([
      ...Object.entries(view),
      ...nginx.flatMap((one) => this.#nginxParts(one)),
      ...(firmware ? firmwareParts(firmware) : []),
    ]);
  }

  servers({ nginx, upstream, from, count, filter }: ServersQuery): unknown {
    const ref = readUpstream(upstream);
    const page = ref && this.#parts.watcher.serverPage(nginx, upstreamId(ref), { from, count, filter });
    if (!page) return undefined;
    const shown: ServerPage = { ...page, servers: this.#withTraffic(nginx, ref, page.servers) };
    return shown;
  }

  #refreshTraffic(): void {
    const { watcher, traffic, signal } = this.#parts;
    for (const { name, connected, upstreams } of watcher.overview().nginx) {
      if (connected) traffic.refresh(name, upstreams, signal);
    }
  }

  #nginxParts({ upstreams, ...nginx }: NginxView): [string, unknown][] {
    const own: DashboardNginx = nginx;
    return [
      [`nginx/${nginx.name}`, own],
      ...upstreams.map((upstream): [string, DashboardUpstream] => [
        `upstream/${nginx.name}/${upstreamId(upstream)}`,
        {
          nginx: nginx.name,
          ...upstream,
          ...(nginx.state === 'connected' ? this.#parts.traffic.of(nginx.name, upstream)?.total : {}),
          servers: this.#withTraffic(nginx.name, upstream, upstream.servers),
        },
      ]),
    ];
  }

  #withTraffic(nginx: string, ref: UpstreamRef, servers: readonly ServerView[]): readonly DashboardServer[] {
    const traffic: ReadonlyMap<string, Traffic> | undefined = this.#parts.traffic.of(nginx, ref)?.servers;
    return servers.map((server) =>
      server.state === 'unknown' ? server : { ...server, ...traffic?.get(server.address) },
    );
  }
}

function readUpstream(text: string): UpstreamRef | undefined {
  const [, kind, name] = /^(http|stream)\/(.+)$/s.exec(text) ?? [];
  return kind === undefined || name === undefined ? undefined : { kind: kind as UpstreamRef['kind'], name };
}

function firmwareParts({ servers, nginx, types, outcomes = [], brokers }: Firmware): [string, unknown][] {
  const whole: DashboardFirmware = {
    servers: servers.length,
    nginx,
    outcomes,
    ...(brokers && { brokers: brokersOf(brokers) }),
  };
  return [
    ['firmware', whole],
    ...types.slice(0, MOST_TYPES).map((type): [string, TypeStatus] => [`type/${type.type}`, bounded(type)]),
  ];
}

function brokersOf(brokers: readonly AnnouncedTo[]): NonNullable<DashboardFirmware['brokers']> {
  const behind = brokers.filter(({ state }) => state !== 'in-sync');
  return {
    all: brokers.length,
    inSync: brokers.length - behind.length,
    behind: behind.slice(0, MOST_WAITED_FOR),
  };
}

/** A type's status of bounded size: whoever may publish decides how much there is to say. */
function bounded(status: TypeStatus): TypeStatus {
  return {
    ...status,
    withheld: status.withheld.map((release) => ({
      ...release,
      reason: printable(release.reason, MAX_REASON),
      waitingFor: release.waitingFor.slice(0, MOST_WAITED_FOR),
    })),
    unreadable: status.unreadable.slice(0, MOST_WAITED_FOR),
  };
}
