import { connectEtcd } from '../adapters/etcd/connect.js';
import { addressOfInterface, addressTowards } from '../adapters/host-address.js';
import { createProbe } from '../adapters/probes/create-probe.js';
import type { OwnAddress, registerScope } from '../config/options/register.js';
import { type Problem, refuseProblems } from '../config/problem.js';
import { type RegisterSettings, registerSettings } from '../config/settings/register.js';
import { type Address, hostOf } from '../core/address.js';
import { SidekickError } from '../core/errors.js';
import type { Log } from '../core/ports.js';
import { createRegistrar } from '../daemon/registrar.js';
import type {
  RegistrarConfig,
  RegistrarOptions,
  RegistrarStatus,
  ServiceSpec,
} from '../daemon/registrar-options.js';
import { retry } from '../daemon/retry.js';
import type { InvocationOf } from './command.js';
import { type Daemon, frameOf, runDaemon } from './run-daemon.js';
import { registrarSummary } from './summary.js';
import { warnOfRestart } from './warn-of-restart.js';

type RegisterInvocation = InvocationOf<typeof registerScope>;

/** What a reload does not change. */
const FIXED = ['etcd', 'prefix', 'lease', 'admin', 'log'] as const;

/** `sidekick register` */
export async function register(invocation: RegisterInvocation): Promise<number> {
  const settings = registerSettings(invocation.config, invocation.sources.env);
  const etcd = connectEtcd(settings.etcd);
  try {
    const frame = frameOf('register', invocation, 'draining, then deregistering');
    return await runDaemon(frame, async (telemetry, stop) => {
      const { space, ttl } = settings;
      const config = await awaitConfig(settings, telemetry.log, stop);
      warnOfLoopback(settings, config, telemetry.log);
      return createDaemon(config, invocation, { ...telemetry, ...etcd, space, ttl });
    });
  } finally {
    etcd.close();
  }
}

/** At boot, the network comes when it comes: waits until this host has the addresses that it is to find out. */
function awaitConfig(settings: RegisterSettings, log: Log, signal: AbortSignal): Promise<RegistrarConfig> {
  return retry(() => registrarConfig(settings), {
    min: 250,
    max: 5000,
    signal,
    while: (error) => error instanceof SidekickError && error.retryable,
    onFailure: (error) => {
      const fields = { event: 'address-unknown', reason: error.message };
      log.warn(fields, 'the address to register cannot be found out; trying until it can');
    },
  });
}

/** With etcd on this very host, the way to it does not lead out of it. */
function warnOfLoopback(settings: RegisterSettings, config: RegistrarConfig, log: Log): void {
  for (const [i, { registration }] of config.services.entries()) {
    const own = settings.services[i]?.address;
    if (!own || 'address' in own || !/^127\.|^::1$/.test(hostOf(registration.address))) continue;
    const { service, address } = registration;
    const message =
      'the own address is one that only this host can reach: give it, or auto:<interface>:<port>';
    log.warn({ event: 'address-loopback', service, address }, message);
  }
}

function createDaemon(
  config: RegistrarConfig,
  invocation: RegisterInvocation,
  options: RegistrarOptions,
): Daemon {
  const registrar = createRegistrar(config, options);
  let { written } = invocation.config;
  const ready = () => isReady(registrar.status());
  return {
    run: (stop, kill) => registrar.run(stop, kill),
    async reload() {
      const next = invocation.reload();
      registrar.reconfigure(await registrarConfig(registerSettings(next, invocation.sources.env)));
      warnOfRestart(options.log, FIXED, written, next.written);
      written = next.written;
    },
    ready,
    etcdConnected: () => registrar.status().connected,
    lastProgress: () => registrar.lastProgress,
    // It moves with every keepalive, which comes every third of the time to live.
    stuckAfter: Math.max(60_000, options.ttl),
    status: () => ({ ...registrar.status(), ready: ready() }),
    summary: () => registrarSummary(registrar.status()),
  };
}

/** Ready means registered, by this process: one whose address a newer process has taken is not needed any more. */
function isReady({ phase, connected, services }: RegistrarStatus): boolean {
  const registered = services.every(({ key }) => key === 'registered');
  return phase === 'running' && connected && registered;
}

/** Finds out the addresses that are not given, and refuses services that are given twice. */
async function registrarConfig(settings: RegisterSettings): Promise<RegistrarConfig> {
  const services: ServiceSpec[] = [];
  const problems: Problem[] = [];
  const taken = new Set<string>();
  for (const service of settings.services) {
    const { registration, probe, probeId, health } = service.at(
      await findAddress(service.address, settings.etcd.endpoints),
    );
    const instance = `${registration.service} ${registration.address}`;
    if (taken.has(instance)) {
      const reason = `must be one that no other entry of the service has, got ${registration.address} again`;
      problems.push({ key: `${service.label}address`, reason });
    }
    taken.add(instance);
    services.push({ registration, probe: createProbe(probe), probeId, health });
  }
  refuseProblems(problems);
  return { services, drainTimeout: settings.drainTimeout };
}

/** The address as given, or this host's own: of an interface, or on the way to etcd. */
function findAddress(own: OwnAddress, endpoints: readonly string[]): Address | Promise<Address> {
  if ('address' in own) return own.address;
  if (own.interface !== undefined) return addressOfInterface(own.interface, own.port);
  return addressTowards(endpoints, own.port);
}
