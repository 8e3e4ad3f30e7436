import { connectEtcd } from '../adapters/etcd/connect.js';
import { createNginxApi } from '../adapters/nginx/api.js';
import { createProbe } from '../adapters/probes/create-probe.js';
import type { watchScope } from '../config/options/watch.js';
import { type WatchSettings, watchSettings } from '../config/settings/watch.js';
import type { Instance } from '../core/keys.js';
import { createWatcher } from '../daemon/watcher/watcher.js';
import type { HealthCheck, WatcherPorts } from '../daemon/watcher-options.js';
import { aborted } from './aborted.js';
import type { InvocationOf } from './command.js';
import { type Daemon, frameOf, runDaemon, type Telemetry } from './run-daemon.js';
import { watcherSummary } from './summary.js';
import { warnOfRestart } from './warn-of-restart.js';

/** What a reload does not change. */
const FIXED = ['etcd', 'prefix', 'id', 'lease', 'nginx', 'admin', 'log'] as const;

/** `sidekick watch` */
export async function watch(invocation: InvocationOf<typeof watchScope>): Promise<number> {
  const settings = watchSettings(invocation.config, invocation.sources.env);
  const etcd = connectEtcd(settings.etcd);
  const nginx = settings.nginx.map(createNginxApi);
  try {
    const frame = frameOf('watch', invocation, 'NGINX keeps what it has');
    return await runDaemon(frame, (telemetry) =>
      createDaemon(settings, invocation, { ...telemetry, ...etcd, nginx }),
    );
  } finally {
    etcd.close();
    await Promise.all(nginx.map((api) => api.close()));
  }
}

function createDaemon(
  first: WatchSettings,
  invocation: InvocationOf<typeof watchScope>,
  ports: Omit<WatcherPorts, 'healthCheck'> & Telemetry,
): Daemon {
  let settings = first;
  let written = invocation.config.written;
  const healthCheck = (instance: Instance): HealthCheck | undefined => {
    const probe = settings.probes.get(instance.service);
    return probe && { probe: createProbe(probe.spec(instance.address)), policy: probe.health };
  };
  const watcher = createWatcher(settings.watcher, { ...ports, healthCheck });
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
