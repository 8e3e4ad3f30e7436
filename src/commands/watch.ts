import { monotonicClock } from '../adapters/clocks.js';
import { connectEtcd } from '../adapters/etcd/connect.js';
import { createNginxApi } from '../adapters/nginx/api.js';
import { ownAddresses } from '../adapters/own-addresses.js';
import { createProbe } from '../adapters/probes/create-probe.js';
import type { watchScope } from '../config/options/watch.js';
import { type WatchSettings, watchSettings } from '../config/settings/watch.js';
import { createWatcher } from '../daemon/watcher/watcher.js';
import type { WatcherPorts } from '../daemon/watcher-options.js';
import { createLogger } from '../telemetry/logger.js';
import { aborted } from './aborted.js';
import type { InvocationOf } from './command.js';
import { untilInterrupted } from './interruption.js';
import { type Daemon, frameOf, runDaemon } from './run-daemon.js';
import { watcherSummary } from './summary.js';
import { warnOfExposure } from './warn-of-exposure.js';
import { warnOfRestart } from './warn-of-restart.js';
import { watchOnce } from './watch-once.js';

type WatchInvocation = InvocationOf<typeof watchScope>;

/** What a reload does not change. */
const FIXED = ['etcd', 'prefix', 'id', 'lease', 'nginx', 'admin', 'log'] as const;

/** `sidekick watch` */
export async function watch(invocation: WatchInvocation): Promise<number> {
  const { config, sources, out } = invocation;
  const { dryRun, once, log } = config.values;
  const settings = watchSettings(config, sources.env);
  const etcd = connectEtcd(settings.etcd);
  const nginx = settings.nginx.map(createNginxApi);
  try {
    if (!dryRun && !once) {
      const frame = frameOf('watch', invocation, 'NGINX keeps what it has');
      return await runDaemon(frame, (telemetry) =>
        createDaemon(settings, invocation, { ...telemetry, ...etcd, nginx }),
      );
    }
    const onceLog = createLogger(log);
    warnOfExposure(onceLog, settings.nginx);
    const ports = {
      ...etcd,
      nginx,
      ownAddresses,
      clock: monotonicClock,
      healthCheck: healthCheckOf(() => settings),
    };
    return await untilInterrupted((signal) =>
      watchOnce({ settings, ports, dryRun, log: onceLog, signal, out }),
    );
  } finally {
    etcd.close();
    await Promise.all(nginx.map((api) => api.close()));
  }
}

function createDaemon(
  first: WatchSettings,
  invocation: WatchInvocation,
  ports: Omit<WatcherPorts, 'healthCheck'>,
): Daemon {
  let settings = first;
  warnOfExposure(ports.log, settings.nginx);
  let { written } = invocation.config;
  const watcher = createWatcher(settings.watcher, {
    ...ports,
    ownAddresses,
    healthCheck: healthCheckOf(() => settings),
  });
  return {
    run: (stop, kill) => Promise.race([watcher.run(stop), aborted(kill)]),
    reload() {
      const config = invocation.reload();
      settings = watchSettings(config, invocation.sources.env);
      warnOfRestart(ports.log, FIXED, written, config.written);
      written = config.written;
      watcher.reconfigure(settings.watcher);
    },
    ready: () => watcher.ready,
    etcdConnected: () => watcher.status().etcd.connected,
    lastProgress: () => watcher.lastProgress,
    // It moves whenever NGINX has been asked who it is.
    stuckAfter: Math.max(60_000, 4 * first.watcher.timing.identity),
    status: () => watcher.status(),
    summary: () => watcherSummary(watcher.status()),
  };
}

/** The load balancer's own probes, as the settings have them at the time. */
function healthCheckOf(settings: () => WatchSettings): NonNullable<WatcherPorts['healthCheck']> {
  return ({ service, address }, unchecked) => {
    const { probes, gatewayProbe } = settings();
    const probe = probes.get(service) ?? (unchecked && gatewayProbe?.(unchecked));
    return probe && { probe: createProbe(probe.spec(address)), policy: probe.health };
  };
}
