import { isDeepStrictEqual } from 'node:util';
import { monotonicClock } from '../adapters/clocks.js';
import { connectEtcd, type EtcdConnection } from '../adapters/etcd/connect.js';
import { MqttBrokers } from '../adapters/mqtt/brokers.js';
import { createNginxApi, type NginxClient } from '../adapters/nginx/api.js';
import { createOwnAddresses } from '../adapters/own-addresses.js';
import { createProbe } from '../adapters/probes/create-probe.js';
import { aborted } from '../async/abort.js';
import type { Tree } from '../config/engine/read-values.js';
import type { FirmwarePushSettings } from '../config/firmware/offer.js';
import { type WatchConfig, type WatchSettings, type watchScope, watchSettings } from '../config/watch.js';
import { refusedAddress } from '../core/address-policy.js';
import { messageOf } from '../core/errors.js';
import type { Log } from '../core/ports.js';
import { Announcer } from '../daemon/firmware/announcer.js';
import { Offerer, type OfferingStatus } from '../daemon/firmware/offerer.js';
import type { CountedBy } from '../daemon/firmware/outcome-reader.js';
import { RolloutController } from '../daemon/firmware/rollout-controller.js';
import type { WatcherPorts } from '../daemon/watcher/options.js';
import type { WatcherStatus } from '../daemon/watcher/status.js';
import { TrafficMonitor } from '../daemon/watcher/traffic.js';
import { Watcher } from '../daemon/watcher/watcher.js';
import { createLogger } from '../telemetry/logger.js';
import type { InvocationOf } from './command.js';
import { logConfigWarnings, logRestartRequired } from './config-log.js';
import { FileMonitor } from './file-monitor.js';
import { keepHeapSmall, keepYoungGenerationSmall } from './heap-flags.js';
import { type Daemon, daemonSpec, runDaemon, type Telemetry } from './run-daemon.js';
import { watcherSummary } from './systemd-status.js';
import { untilInterrupted } from './until-interrupted.js';
import { WatchDashboard } from './watch-dashboard.js';
import { watchOnce } from './watch-once.js';

type WatchInvocation = InvocationOf<typeof watchScope>;

/** The keys that a reload does not change. */
const FIXED_KEYS = ['prefix', 'id', 'lease', 'nginx', 'firmware', 'admin', 'log'] as const;

/** `sidekick watch` */
export async function watch(invocation: WatchInvocation): Promise<number> {
  keepYoungGenerationSmall();
  const { config, sources, out, err } = invocation;
  const { dryRun, once, json, timeout, log } = config.values;
  const settings = watchSettings(config, sources.env);
  const etcd = connectEtcd(settings.etcd);
  const nginx = settings.nginx.map(createNginxApi);
  try {
    if (!dryRun && !once) {
      const spec = daemonSpec('watch', invocation, 'NGINX keeps its servers', settings.warnings);
      return await runDaemon(
        spec,
        (telemetry) => new WatchDaemon(invocation, settings, { etcd, nginx }, telemetry),
      );
    }
    const onceLog = createLogger(log);
    logConfigWarnings(onceLog, settings.warnings);
    const ports = {
      ...etcd,
      nginx,
      ownAddresses: createOwnAddresses(),
      clock: monotonicClock,
      healthCheck: healthCheckOf(() => settings),
    };
    return await untilInterrupted((signal) =>
      watchOnce({ settings, ports, dryRun, json, timeout, log: onceLog, signal, out, err }),
    );
  } finally {
    etcd.close();
    await Promise.all(nginx.map((api) => api.close()));
  }
}

interface Connections {
  readonly etcd: EtcdConnection;
  readonly nginx: readonly NginxClient[];
}

/** What `/status` shows of a watcher. */
export interface WatchStatus extends WatcherStatus {
  /** What devices are offered; only where firmware is offered. */
  readonly firmware?: OfferingStatus & {
    /** Whether each NGINX says what becomes of it. An older watcher does not tell. */
    readonly outcomes?: readonly CountedBy[];
  };
}

/** A watcher with its configuration, which a reload or a changed file changes. */
class WatchDaemon implements Daemon {
  /** The loops make progress whenever NGINX has been asked for its identity. */
  readonly stuckAfter: number;
  readonly dashboard: WatchDashboard;
  readonly #invocation: WatchInvocation;
  readonly #connections: Connections;
  readonly #log: Log;
  readonly #watcher: Watcher;
  readonly #offerer: Offerer | undefined;
  readonly #announcer: Announcer | undefined;
  readonly #rollouts: RolloutController | undefined;
  readonly #files = new FileMonitor(() => this.#readFiles());
  readonly #started: WatchSettings;
  readonly #ended = new AbortController();
  #config: WatchConfig;
  #settings: WatchSettings;

  constructor(
    invocation: WatchInvocation,
    settings: WatchSettings,
    connections: Connections,
    telemetry: Telemetry,
  ) {
    this.#invocation = invocation;
    this.#config = invocation.config;
    this.#settings = settings;
    this.#started = settings;
    this.#connections = connections;
    this.#log = telemetry.log;
    const { etcd, nginx } = connections;
    const healthCheck = healthCheckOf(() => this.#settings);
    const { version } = invocation.build;
    const ports = { ...telemetry, ...etcd, nginx, ownAddresses: createOwnAddresses(), healthCheck, version };
    this.#watcher = new Watcher(settings.watcher, ports);
    // The offerer of the start goes on although a reload has dropped its configuration.
    const releaseKeys = () => (this.#settings.firmware ?? settings.firmware)?.releaseKeys;
    this.#announcer = settings.firmware?.push && this.#createAnnouncer(settings.firmware.push, ports);
    const offering = { ...ports, releaseKeys, announcer: this.#announcer };
    const { prefixes, watcher } = settings;
    const spread = settings.firmware?.push?.spread;
    this.#offerer = settings.firmware && new Offerer({ prefixes, spread, ...settings.firmware }, offering);
    this.#rollouts = settings.firmware && new RolloutController({ prefixes, id: watcher.id }, ports);
    this.dashboard = new WatchDashboard({
      watcher: this.#watcher,
      firmware: () => this.#firmware(),
      traffic: new TrafficMonitor(nginx, telemetry.clock),
      signal: this.#ended.signal,
    });
    this.stuckAfter = Math.max(60_000, 4 * settings.watcher.timing.identity);
  }

  async run(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    this.#files.monitor(this.#settings.filesRead);
    try {
      const firmware = [this.#offerer, this.#announcer, this.#rollouts].map(
        (part) => part?.run(stop) ?? Promise.resolve(),
      );
      await Promise.race([Promise.all([this.#watcher.run(stop), ...firmware]), aborted(kill)]);
    } finally {
      this.#files.stop();
      this.#ended.abort();
    }
  }

  reload(): void {
    const config = this.#invocation.reload();
    const settings = watchSettings(config, this.#invocation.sources.env);
    this.#apply(settings);
    this.#config = config;
    this.#files.monitor(settings.filesRead);
    const started = { ...this.#invocation.config.effective, nginx: namesAndUrls(this.#started) };
    logRestartRequired(this.#log, FIXED_KEYS, started, {
      ...config.effective,
      nginx: namesAndUrls(settings),
    });
  }

  /** Not before: a start makes much garbage, and would be longer. */
  becameReady(): void {
    keepHeapSmall();
  }

  ready(): boolean {
    return this.#watcher.ready;
  }

  etcdConnected(): boolean {
    return this.#watcher.etcdConnected;
  }

  lastProgress(): number {
    return this.#watcher.lastProgress;
  }

  status(): WatchStatus {
    const firmware = this.#firmware();
    return { ...this.#watcher.status(), ...(firmware && { firmware }) };
  }

  #firmware(): WatchStatus['firmware'] {
    const firmware = this.#offerer?.status();
    return firmware && { ...firmware, outcomes: this.#rollouts?.status() ?? [] };
  }

  adminToken(): string | undefined {
    return this.#settings.admin.token;
  }

  summary(): string {
    return watcherSummary(this.#watcher.overview());
  }

  #createAnnouncer({ service, broker }: FirmwarePushSettings, ports: Telemetry & EtcdConnection): Announcer {
    const { prefixes, watcher } = this.#started;
    const { allow, limits } = watcher;
    return new Announcer(
      { prefixes, service, maxBrokers: limits.instances },
      {
        ...ports,
        brokers: new MqttBrokers(() => this.#settings.firmware?.push?.broker ?? broker),
        isAllowed: (address) => refusedAddress(service, address, allow, []) === undefined,
      },
    );
  }

  /** Applies files that have changed: a certificate, a key, a password. */
  #readFiles(): void {
    try {
      const settings = watchSettings(this.#config, this.#invocation.sources.env);
      if (!this.#files.monitor(settings.filesRead)) return;
      this.#apply(settings);
      const files = [...settings.filesRead.keys()];
      this.#log.info({ event: 'files-reloaded', files }, 'files have changed and are in use');
    } catch (error) {
      const fields = { event: 'files-rejected', reason: messageOf(error) };
      this.#log.error(fields, 'files have changed, but cannot be used: what was read before stays in use');
    }
  }

  /** Applies other settings. The list of NGINX instances and their URLs stay as they were at the start. */
  #apply(settings: WatchSettings): void {
    const { etcd, nginx } = this.#connections;
    if (!isDeepStrictEqual(settings.etcd, this.#settings.etcd)) etcd.renew(settings.etcd);
    for (const client of nginx) {
      const [before, after] = [this.#settings, settings].map((of) =>
        of.nginx.find(({ name }) => name === client.name),
      );
      const { url } = this.#started.nginx.find(({ name }) => name === client.name) ?? {};
      if (after && after.url === url && !isDeepStrictEqual(before, after)) client.renew(after);
    }
    this.#settings = settings;
    this.#watcher.reconfigure(settings.watcher);
    this.#offerer?.releaseKeysChanged();
  }
}

/** The part of the configuration of NGINX that a reload does not change. */
function namesAndUrls({ nginx }: WatchSettings): Tree[] {
  return nginx.map(({ name, url }) => ({ name, url }));
}

/** The watcher's probes according to the current settings. */
function healthCheckOf(settings: () => WatchSettings): NonNullable<WatcherPorts['healthCheck']> {
  return ({ service, address }, unchecked) => {
    const { probes, gatewayProbe } = settings();
    const probe = probes.get(service) ?? (unchecked && gatewayProbe?.(unchecked));
    return probe && { probe: createProbe(probe.spec(address)), policy: probe.health };
  };
}
