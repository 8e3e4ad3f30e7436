import { monotonicClock, wallClock } from '../adapters/clocks.js';
import type { HostPort } from '../config/engine/formats.js';
import { type UnknownVariable, unknownVariables } from '../config/engine/layers.js';
import type { Problem } from '../config/engine/problem.js';
import type { registerScope } from '../config/register.js';
import { SCOPES } from '../config/scopes.js';
import type { watchScope } from '../config/watch.js';
import { messageOf } from '../core/errors.js';
import type { Clock, Log, Meter, WallClock } from '../core/ports.js';
import { createLifecycle, type Lifecycle } from '../daemon/lifecycle.js';
import { startAdminServer } from '../telemetry/admin-server.js';
import { createLogger, type LogSettings } from '../telemetry/logger.js';
import { createMetrics, type Metrics } from '../telemetry/metrics.js';
import { createSystemdNotifier, type SystemdNotifier } from '../telemetry/systemd-notify.js';
import { throttleLog } from '../telemetry/throttled-log.js';
import type { InvocationOf } from './command.js';
import { warnOfRisks } from './warn-of-risks.js';

/** What a daemon is built with. */
export interface Telemetry {
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

/** A daemon as its surroundings see it. */
export interface Daemon {
  /** Runs until `stop` is aborted and what there is to do at the end is done; `kill` cuts that short. */
  run(stop: AbortSignal, kill: AbortSignal): Promise<void>;
  /** Takes the configuration anew. What it throws is logged, and the old one stays. */
  reload(): Promise<void> | void;
  ready(): boolean;
  etcdConnected(): boolean;
  /** When its loops last moved, by the monotonic clock. */
  lastProgress(): number;
  /** How long they may stand still before they count as stuck, in ms: well over their longest wait. */
  readonly stuckAfter: number;
  /** For /status. */
  status(): object;
  /** One line for systemd. */
  summary(): string;
}

export interface DaemonSpec {
  readonly name: string;
  readonly version: string;
  readonly log: LogSettings;
  readonly admin: HostPort | 'off';
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the graceful end does, for the log. */
  readonly ending: string;
  /** Variables that look like options and are none. */
  readonly unknownVariables: readonly UnknownVariable[];
  /** What works, and is a risk or most likely not what was meant. */
  readonly warnings: readonly Problem[];
}

/** The frame of a command, from its configuration. */
export function daemonSpec(
  name: string,
  { config, sources, version }: InvocationOf<typeof registerScope> | InvocationOf<typeof watchScope>,
  ending: string,
  warnings: readonly Problem[],
): DaemonSpec {
  const { admin, log } = config.values;
  const { env } = sources;
  const unknown = unknownVariables(Object.values(SCOPES), env);
  return { name, version, log, admin: admin.listen, env, ending, unknownVariables: unknown, warnings };
}

/** What surrounds a daemon. */
interface Surroundings {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly notifier: SystemdNotifier;
  readonly lifecycle: Lifecycle;
}

/**
 * Runs a daemon with its log, metrics, admin endpoints, signals and systemd around it. Resolves to the exit code.
 * @param create May wait for what the daemon needs, until the signal says that it is no longer wanted.
 */
export async function runDaemon(
  frame: DaemonSpec,
  create: (telemetry: Telemetry, stop: AbortSignal) => Promise<Daemon> | Daemon,
): Promise<number> {
  const { name, version, env } = frame;
  const clock = monotonicClock;
  const log = throttleLog(createLogger(frame.log), clock);
  const metrics = createMetrics(log);
  const notifier = createSystemdNotifier(env, log);
  let daemon: Daemon | undefined;
  const lifecycle = createLifecycle({
    log,
    ending: frame.ending,
    reload: () => void (daemon && reload(daemon, log, notifier)),
  });
  lifecycle.stop.addEventListener('abort', () => notifier.stopping(), { once: true });
  metrics.meter.gauge('sidekick_info', 1, { command: name, version });
  log.info({ event: 'daemon-started', command: name, version }, 'sidekick started');
  for (const { name: key, meant } of frame.unknownVariables) {
    log.warn(
      { event: 'variable-unknown', key, meant },
      'a SIDEKICK_ variable that is no option: misspelled?',
    );
  }
  warnOfRisks(log, frame.warnings);
  try {
    daemon = await create({ log, meter: metrics.meter, clock, wallClock }, lifecycle.stop);
    await attend(daemon, frame, { log, metrics, clock, notifier, lifecycle });
  } catch (error) {
    if (!lifecycle.stop.aborted || error !== lifecycle.stop.reason) throw error;
  } finally {
    lifecycle.dispose();
    await notifier.flushed();
  }
  log.info({ event: 'daemon-stopped' }, 'sidekick stopped');
  return 0;
}

/** Runs the daemon, and lets it be looked at while it runs. */
async function attend(daemon: Daemon, frame: DaemonSpec, surroundings: Surroundings): Promise<void> {
  const { name, version, admin: listen } = frame;
  const { log, metrics, clock, notifier, lifecycle } = surroundings;
  const healthy = () => clock() - daemon.lastProgress() < daemon.stuckAfter;
  const source = {
    healthy,
    ready: () => daemon.ready(),
    metrics: () => metrics.expose(),
    status: () => ({ command: name, version, ...daemon.status() }),
  };
  const admin = listen === 'off' ? undefined : await startAdminServer(listen, source);
  if (admin) log.info({ event: 'admin-listening', url: admin.url }, 'admin endpoints answer');
  const endWatchdog = notifier.watch(healthy);
  const running = daemon.run(lifecycle.stop, lifecycle.kill);
  const endLook = followReadiness(daemon, surroundings);
  try {
    await running;
  } finally {
    endLook();
    endWatchdog();
    await admin?.close();
  }
}

async function reload(daemon: Daemon, log: Log, notifier: SystemdNotifier): Promise<void> {
  notifier.reloading();
  try {
    await daemon.reload();
    log.info({ event: 'config-reloaded' }, 'configuration read again');
  } catch (error) {
    log.error({ event: 'config-reload-failed', reason: messageOf(error) }, 'configuration stays as it was');
  }
  notifier.reloaded();
}

/** How often readiness is looked at, in ms. */
const LOOK = 200;

/** Tells systemd, the log and the metrics whether the daemon is ready and how it stands. Returns what ends it. */
function followReadiness(daemon: Daemon, { log, metrics, notifier, lifecycle }: Surroundings): () => void {
  let ready = false;
  let everReady = false;
  const look = () => {
    const summary = daemon.summary();
    const now = daemon.ready();
    notifier.status(summary);
    metrics.meter.gauge('sidekick_ready', now ? 1 : 0);
    metrics.meter.gauge('sidekick_etcd_connected', daemon.etcdConnected() ? 1 : 0);
    // That one who stops is no longer ready is no news.
    if (now === ready || lifecycle.stop.aborted) return;
    ready = now;
    if (now) log.info({ event: 'daemon-ready', summary }, 'ready');
    else log.warn({ event: 'daemon-unready', summary }, 'no longer ready');
    if (now && !everReady) notifier.ready();
    everReady ||= now;
  };
  look();
  const timer = setInterval(look, LOOK);
  timer.unref();
  return () => clearInterval(timer);
}
