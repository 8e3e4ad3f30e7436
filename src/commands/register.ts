import { connectEtcd } from '../adapters/etcd/connect.js';
import { createProbe } from '../adapters/probes/create-probe.js';
import type { registerScope } from '../config/options/register.js';
import { refuseProblems } from '../config/problem.js';
import { type RegisterSettings, registerSettings } from '../config/settings/register.js';
import { createRegistrar } from '../daemon/registrar.js';
import type {
  RegistrarConfig,
  RegistrarOptions,
  RegistrarStatus,
  ServiceSpec,
} from '../daemon/registrar-options.js';
import type { InvocationOf } from './command.js';
import { findAddress } from './find-address.js';
import { type Daemon, frameOf, runDaemon } from './run-daemon.js';
import { warnOfRestart } from './warn-of-restart.js';

type RegisterInvocation = InvocationOf<typeof registerScope>;

/** What a reload does not change. */
const FIXED = ['etcd', 'prefix', 'lease', 'admin', 'log'] as const;

/** `sidekick register` */
export async function register(invocation: RegisterInvocation): Promise<number> {
  const settings = registerSettings(invocation.config, invocation.sources.env);
  const config = await registrarConfig(settings);
  const etcd = connectEtcd(settings.etcd);
  try {
    const frame = frameOf('register', invocation, 'draining, then deregistering');
    return await runDaemon(frame, (telemetry) => {
      const { space, ttl } = settings;
      return createDaemon(config, invocation, { ...telemetry, ...etcd, space, ttl });
    });
  } finally {
    etcd.close();
  }
}

function createDaemon(
  config: RegistrarConfig,
  invocation: RegisterInvocation,
  options: RegistrarOptions,
): Daemon {
  const registrar = createRegistrar(config, options);
  let { written } = invocation.config;
  return {
    run: (stop, kill) => registrar.run(stop, kill),
    async reload() {
      const next = invocation.reload();
      registrar.reconfigure(await registrarConfig(registerSettings(next, invocation.sources.env)));
      warnOfRestart(options.log, FIXED, written, next.written);
      written = next.written;
    },
    ready: () => registrar.status().ready,
    lastProgress: () => registrar.lastProgress,
    // It moves with every keepalive, which comes every third of the time to live.
    stuckAfter: Math.max(60_000, options.ttl),
    status: () => registrar.status(),
    summary: () => summarize(registrar.status()),
  };
}

/** Finds out the addresses that are not given, and refuses services that are given twice. */
async function registrarConfig(settings: RegisterSettings): Promise<RegistrarConfig> {
  const services: ServiceSpec[] = [];
  const taken = new Map<string, string>();
  const problems = [];
  for (const { label, address: own, at } of settings.services) {
    const address = await findAddress(own, `${label}address`, settings.etcd.endpoints);
    const { registration, probe, probeId, health } = at(address);
    const instance = `${registration.service} ${address}`;
    const other = taken.get(instance);
    if (other !== undefined) {
      problems.push({
        key: `${label}address`,
        reason: `must be another than that of ${other}, got ${instance}`,
      });
    }
    taken.set(instance, label.slice(0, -1));
    services.push({ registration, probe: createProbe(probe), probeId, health });
  }
  refuseProblems(problems);
  return { services, drainTimeout: settings.drainTimeout };
}

/** One line: what is registered, and what is waited for. */
export function summarize({ phase, connected, services, waitingFor }: RegistrarStatus): string {
  if (phase === 'draining') {
    return waitingFor.length > 0 ? `draining, waiting for ${waitingFor.join(', ')}` : 'draining';
  }
  const registered = services.filter(({ key }) => key === 'registered').length;
  const others = services
    .filter(({ key }) => key !== 'registered')
    .map(({ service, address, health, key }) => `${service} ${address} ${key === 'absent' ? health : key}`);
  const etcd = connected ? '' : 'waiting for etcd; ';
  const rest = others.length > 0 ? `: ${others.slice(0, 3).join(', ')}${others.length > 3 ? ' …' : ''}` : '';
  return `${etcd}${registered} of ${services.length} services registered${rest}`;
}
