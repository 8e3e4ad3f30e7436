import { unknownVariables } from '../config/layers.js';
import type { Listen } from '../config/options/common.js';
import type { registerScope } from '../config/options/register.js';
import type { watchScope } from '../config/options/watch.js';
import { SCOPES } from '../config/scopes.js';
import { messageOf } from '../core/errors.js';
import type { Clock, Log, Meter } from '../core/ports.js';
import { createLifecycle } from '../daemon/lifecycle.js';
import { startAdminServer } from '../telemetry/admin-server.js';
import { limitLog } from '../telemetry/limited-log.js';
import { createLogger, type LogSettings } from '../telemetry/logger.js';
import { createMetrics } from '../telemetry/metrics.js';
import { createNotifier, type Notifier } from '../telemetry/notifier.js';
import type { InvocationOf } from './command.js';

/** What a daemon is built with. */
export interface Telemetry {
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
}

/** A daemon as its surroundings see it. */
export interface Daemon {
  /** Runs until `stop` is aborted and what there is to do at the end is done; `kill` cuts that short. */
  run(stop: AbortSignal, kill: AbortSignal): Promise<void>;
  /** Takes the configuration anew. What it throws is logged, and the old one stays. */
  reload(): Promise<void> | void;
  ready(): boolean;
  /** When its loops last moved, in ms since the epoch. */
  lastProgress(): number;
  /** How long they may stand still before they count as stuck, in ms: well over their longest wait. */
  readonly stuckAfter: number;
  /** For /status. */
  status(): unknown;
  /** One line for systemd. */
  summary(): string;
}

export interface DaemonFrame {
  readonly name: string;
  readonly version: string;
  readonly log: LogSettings;
  readonly admin: Listen | 'off';
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the graceful end does, for the log. */
  readonly ending: string;
  /** Variables that look like options and are none. */
  readonly unknownVariables: readonly string[];
}

/** The frame of a command, from its configuration. */
export function frameOf(
  name: string,
  { config, sources, version }: InvocationOf<typeof registerScope> | InvocationOf<typeof watchScope>,
  ending: string,
): DaemonFrame {
  const { admin, log } = config.values;
  const { env } = sources;
  const unknown = unknownVariables(Object.values(SCOPES), env);
  return { name, version, log, admin: admin.listen, env, ending, unknownVariables: unknown };
}

/** How often readiness is looked at, in ms. */
const LOOK = 200;

/** Runs a daemon with its log, metrics, admin endpoints, signals and systemd around it. Resolves to the exit code. */
export async function runDaemon(
  frame: DaemonFrame,
  create: (telemetry: Telemetry) => Daemon,
): Promise<number> {
  const clock: Clock = Date.now;
  const log = limitLog(createLogger(frame.log), clock);
  const metrics = createMetrics(log);
  metrics.meter.gauge('sidekick_info', 1, { command: frame.name, version: frame.version });
  const daemon = create({ log, meter: metrics.meter, clock });
  const notifier = createNotifier(frame.env, log);
  const healthy = () => clock() - daemon.lastProgress() < daemon.stuckAfter;
  const admin =
    frame.admin === 'off'
      ? undefined
      : await startAdminServer(frame.admin, {
          healthy,
          ready: () => daemon.ready(),
          metrics: () => metrics.expose(),
          status: () => ({ command: frame.name, version: frame.version, ...(daemon.status() as object) }),
        });
  const lifecycle = createLifecycle({
    log,
    ending: frame.ending,
    reload: () => void reload(daemon, log, notifier),
  });
  lifecycle.stop.addEventListener('abort', () => notifier.stopping(), { once: true });
  const endWatchdog = notifier.watch(healthy);
  const endLook = followReadiness(daemon, log, metrics.meter, notifier);
  log.info(
    { event: 'started', command: frame.name, version: frame.version, admin: admin?.url },
    'sidekick started',
  );
  for (const variable of frame.unknownVariables) {
    log.warn({ event: 'unknown-variable', variable }, 'a SIDEKICK_ variable that is no option: misspelled?');
  }
  try {
    await daemon.run(lifecycle.stop, lifecycle.kill);
    log.info({ event: 'stopped' }, 'sidekick stopped');
    return 0;
  } finally {
    endLook();
    endWatchdog();
    lifecycle.dispose();
    await notifier.flushed();
    await admin?.close();
  }
}

async function reload(daemon: Daemon, log: Log, notifier: Notifier): Promise<void> {
  notifier.reloading();
  try {
    await daemon.reload();
    log.info({ event: 'reloaded' }, 'configuration read again');
  } catch (error) {
    log.error({ event: 'reload-failed', reason: messageOf(error) }, 'configuration stays as it was');
  }
  notifier.ready();
}

/** Tells systemd, the log and the metrics when the daemon becomes ready and how it stands. Returns what ends it. */
function followReadiness(daemon: Daemon, log: Log, meter: Meter, notifier: Notifier): () => void {
  let ready = false;
  let everReady = false;
  const look = () => {
    notifier.status(daemon.summary());
    const now = daemon.ready();
    meter.gauge('sidekick_ready', now ? 1 : 0);
    if (now === ready) return;
    ready = now;
    if (now) log.info({ event: 'ready', summary: daemon.summary() }, 'ready');
    else log.warn({ event: 'not-ready', summary: daemon.summary() }, 'no longer ready');
    if (now && !everReady) notifier.ready();
    everReady ||= now;
  };
  look();
  const timer = setInterval(look, LOOK);
  timer.unref();
  return () => clearInterval(timer);
}
