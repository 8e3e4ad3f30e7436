import type { ProbeSpec } from '../../adapters/probes/spec.js';
import type { Address } from '../../core/address.js';
import type { HealthPolicy } from '../../core/health.js';
import type { Registration } from '../../core/registration.js';
import { PARAMETER_NAMES, type ServerParameters } from '../../core/server-parameters.js';
import type { ConfiguredAddress, registerScope } from '../options/register.js';
import { type Problem, refuseProblems } from '../problem.js';
import type { Resolved } from '../resolve.js';
import { createFileReader, type FileReader } from '../secret.js';
import { type EtcdSettings, etcdSettings } from './etcd.js';
import { type ProbeSettings, probeSettings } from './probe.js';

export type RegisterConfig = Resolved<typeof registerScope.options, typeof registerScope.lists>;
type ServiceEntry = RegisterConfig['lists']['services'][number];

/** One service to register, but for its address, which may have to be found out first. */
export interface ServiceSettings {
  readonly label: string;
  readonly service: string;
  readonly address: ConfiguredAddress;
  /** What to register and how to probe it, once the address is known. */
  at(address: Address): {
    readonly registration: Registration;
    readonly probe: ProbeSpec;
    readonly probeId: string;
    readonly health: HealthPolicy;
  };
}

export interface RegisterSettings extends EtcdSettings {
  readonly ttl: number;
  readonly drainTimeout: number;
  readonly services: readonly ServiceSettings[];
  readonly warnings: readonly Problem[];
}

/** What `sidekick register` needs, with files read. Throws a UsageError. */
export function registerSettings(
  { values, lists }: RegisterConfig,
  env: Readonly<Record<string, string | undefined>>,
): RegisterSettings {
  const files = createFileReader(env);
  const etcd = etcdSettings(values, files);
  const services = lists.services.map((entry) => serviceSettings(entry, files));
  refuseProblems(files.problems);
  const { lease, drainTimeout } = values;
  return { ...etcd, ttl: lease.ttl, drainTimeout, services, warnings: files.warnings };
}

function serviceSettings({ label, values }: ServiceEntry, files: FileReader): ServiceSettings {
  const probe: ProbeSettings = probeSettings(values.probe, `${label}probe.`, files);
  const { service, meta } = values;
  const parameters = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, values[name]]));
  return {
    label,
    service,
    address: values.address,
    at: (address) => ({
      registration: {
        service,
        address,
        parameters: parameters as unknown as ServerParameters,
        drain: false,
        meta,
      },
      probe: probe.spec(address),
      probeId: `${probe.id}@${address}`,
      health: probe.health,
    }),
  };
}
