import { monotonicClock, wallClock } from '../adapters/clocks.js';
import { type UnknownVariable, unknownVariables } from '../config/engine/layers.js';
import type { Problem } from '../config/engine/problem.js';
import type { registerScope } from '../config/register.js';
import { SCOPES } from '../config/scopes.js';
import type { watchScope } from '../config/watch.js';
import type { HostPort } from '../core/address.js';
import { messageOf } from '../core/errors.js';
import type { Clock, Log, Meter, WallClock } from '../core/ports.js';
import { createLifecycle, type Lifecycle } from '../daemon/lifecycle.js';
import { startAdminServer } from '../telemetry/admin-server.js';
import type { DashboardSource } from '../telemetry/dashboard-endpoint.js';
import { EventJournal, journalLog } from '../telemetry/event-journal.js';
import { createLogger, type LogSettings } from '../telemetry/logger.js';
import { createMetrics, type Metrics } from '../telemetry/metrics.js';
import { createSdNotify, type SdNotify } from '../telemetry/systemd-notify.js';
import { throttleLog } from '../telemetry/throttled-log.js';
import type { Build } from './build.js';
import type { InvocationOf } from './command.js';
import { logConfigWarnings, logUnknownVariables } from './config-log.js';

/** What every daemon is given. */
export interface Telemetry {
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

/** A daemon as `runDaemon` sees it. */
export interface Daemon {
  /** Runs until `stop` is aborted, then ends gracefully; `kill` ends it at once. */
  run(stop: AbortSignal, kill: AbortSignal): Promise<void>;
  /** Reads the configuration again and applies it. If it throws, the error is logged and the old configuration stays. */
  reload(): Promise<void> | void;
  ready(): boolean;
  /** Called when it is ready for the first time. */
  becameReady?(): void;
  etcdConnected(): boolean;
  /** When its loops last made progress, by the monotonic clock. */
  lastProgress(): number;
  /** How long without progress before the loops count as stuck, in ms: well over their longest wait. */
  readonly stuckAfter: number;
  /** For /status. */
  status(): object;
  /** The token that callers of the admin endpoints have to show, as it is now; undefined where none is configured. */
  adminToken(): string | undefined;
  /** What the dashboard shows; left out where there is none. */
  readonly dashboard?: DashboardSource | undefined;
  /** One line for systemd. It is asked for several times a second, so it must cost the same whatever is registered. */
  summary(): string;
}

/** What `runDaemon` needs to know about a command. */
interface DaemonSpec {
  readonly name: string;
  readonly build: Build;
  readonly log: LogSettings;
  readonly admin: HostPort | 'off';
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a graceful stop does, for the log. */
  readonly ending: string;
  /** `SIDEKICK_*` variables that belong to no option. */
  readonly unknownVariables: readonly UnknownVariable[];
  /** What is allowed in the configuration, but is a risk or probably a mistake. */
  readonly warnings: readonly Problem[];
}

/** The spec of a command, from its configuration. */
export function daemonSpec(
  name: string,
  { config, sources, build }: InvocationOf<typeof registerScope> | InvocationOf<typeof watchScope>,
  ending: string,
  warnings: readonly Problem[],
): DaemonSpec {
  const { admin, log } = config.values;
  const { env } = sources;
  const unknown = unknownVariables(Object.values(SCOPES), env);
  return { name, build, log, admin: admin.listen, env, ending, unknownVariables: unknown, warnings };
}

/** What runs beside a daemon. */
interface DaemonRuntime {
  readonly log: Log;
  readonly events: EventJournal;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly sdNotify: SdNotify;
  readonly lifecycle: Lifecycle;
}

/**
 * Runs a daemon with log, metrics, admin endpoints, signals and notifications to systemd. Resolves to the exit code.
 * @param create Makes the daemon. `stop` is aborted if it is no longer wanted.
 */
export async function runDaemon(
  spec: DaemonSpec,
  create: (telemetry: Telemetry, stop: AbortSignal) => Promise<Daemon> | Daemon,
): Promise<number> {
  const { name, build, env } = spec;
  const { version, commit: revision = 'unknown' } = build;
  const clock = monotonicClock;
  const events = new EventJournal(wallClock);
  const log = journalLog(throttleLog(createLogger(spec.log), clock), events);
  const metrics = createMetrics(log);
  const sdNotify = createSdNotify(env, log);
  let daemon: Daemon | undefined;
  const lifecycle = createLifecycle({
    log,
    ending: spec.ending,
    reload: () => void (daemon && reload(daemon, log, sdNotify)),
  });
  lifecycle.stop.addEventListener('abort', () => sdNotify.stopping(), { once: true });
  metrics.meter.gauge('sidekick_build_info', 1, { command: name, version, revision });
  log.info({ event: 'daemon-started', command: name, version, revision }, 'sidekick started');
  logUnknownVariables(log, spec.unknownVariables);
  logConfigWarnings(log, spec.warnings);
  try {
    daemon = await create({ log, meter: metrics.meter, clock, wallClock }, lifecycle.stop);
    await serve(daemon, spec, { log, events, metrics, clock, sdNotify, lifecycle });
  } catch (error) {
    if (!lifecycle.stop.aborted || error !== lifecycle.stop.reason) throw error;
  } finally {
    lifecycle.dispose();
    await sdNotify.flushed();
  }
  log.info({ event: 'daemon-stopped' }, 'sidekick stopped');
  return 0;
}

/** Runs the daemon, with its admin endpoints, its watchdog and its readiness. */
async function serve(daemon: Daemon, spec: DaemonSpec, runtime: DaemonRuntime): Promise<void> {
  const { name, build, admin: listen } = spec;
  const { log, events, metrics, clock, sdNotify, lifecycle } = runtime;
  const healthy = () => clock() - daemon.lastProgress() < daemon.stuckAfter;
  const source = {
    healthy,
    ready: () => daemon.ready(),
    metrics: () => metrics.expose(),
    status: () => ({ command: name, version: build.version, ...daemon.status() }),
    events,
    dashboard: daemon.dashboard,
    token: () => daemon.adminToken(),
    denied: (remote: string) =>
      log.warn(
        { event: 'admin-denied', remote },
        'a request to the admin endpoints was refused: its credential is wrong',
      ),
  };
  const admin = listen === 'off' ? undefined : await startAdminServer(listen, source);
  if (admin) log.info({ event: 'admin-listening', url: admin.url }, 'serving the admin endpoints');
  const stopWatchdog = sdNotify.watch(healthy);
  const running = daemon.run(lifecycle.stop, lifecycle.kill);
  const stopPolling = pollReadiness(daemon, runtime);
  try {
    await running;
  } finally {
    stopPolling();
    stopWatchdog();
    await admin?.close();
  }
}

async function reload(daemon: Daemon, log: Log, sdNotify: SdNotify): Promise<void> {
  sdNotify.reloading();
  try {
    await daemon.reload();
    log.info({ event: 'config-reloaded' }, 'the configuration has been read again and is in use');
  } catch (error) {
    log.error(
      { event: 'config-reload-failed', reason: messageOf(error) },
      'the configuration cannot be used: the old one stays in use',
    );
  }
  sdNotify.reloaded();
}

/** How often readiness is polled, in ms: until the daemon is ready for the first time, and afterwards. */
const READINESS_POLL = { first: 200, afterwards: 1_000 };

/** Reports to systemd, the log and the metrics whether the daemon is ready. Returns a function that ends it. */
function pollReadiness(daemon: Daemon, { log, metrics, sdNotify, lifecycle }: DaemonRuntime): () => void {
  let ready = false;
  let everReady = false;
  let timer: NodeJS.Timeout | undefined;
  const poll = () => {
    report();
    timer = setTimeout(poll, everReady ? READINESS_POLL.afterwards : READINESS_POLL.first).unref();
  };
  const report = () => {
    const now = daemon.ready();
    sdNotify.status(() => daemon.summary());
    metrics.meter.gauge('sidekick_ready', now ? 1 : 0);
    metrics.meter.gauge('sidekick_etcd_up', daemon.etcdConnected() ? 1 : 0);
    // A daemon that stops is expected to lose readiness: that is not logged.
    if (now === ready || lifecycle.stop.aborted) return;
    ready = now;
    const summary = daemon.summary();
    if (now) log.info({ event: 'daemon-ready', summary }, 'ready');
    else log.warn({ event: 'daemon-unready', summary }, 'no longer ready');
    if (now && !everReady) {
      sdNotify.ready();
      daemon.becameReady?.();
    }
    everReady ||= now;
  };
  poll();
  return () => clearTimeout(timer);
}
