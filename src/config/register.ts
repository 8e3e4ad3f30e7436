import type { ProbeSpec } from '../adapters/probes/spec.js';
import type { Address } from '../core/address.js';
import { defined } from '../core/defined.js';
import type { HealthPolicy } from '../core/health.js';
import type { Registration } from '../core/registration.js';
import { DEFAULT_PARAMETERS, PARAMETER_NAMES, type ServerParameters } from '../core/server-parameters.js';
import { DEFAULT_LEASE_TTL } from '../daemon/lease/options.js';
import { DEFAULT_DRAIN_TIMEOUT } from '../daemon/registrar/options.js';
import { regionalService } from '../firmware/names.js';
import type { ReleaseKeys } from '../firmware/signature.js';
import { type AdminSettings, adminOptions, adminSettings } from './admin.js';
import { logOptions } from './common.js';
import {
  type ConfiguredAddress,
  instanceAddress,
  nginxTime,
  parameter,
  service,
} from './engine/core-formats.js';
import { formatDuration } from './engine/duration.js';
import { boolean, duration, integer, map, string } from './engine/formats.js';
import { type Problem, refuseProblems } from './engine/problem.js';
import type { Resolved } from './engine/resolve.js';
import { type ListOption, option, required } from './engine/schema.js';
import { createFileReader, type FileReader } from './engine/secret-files.js';
import { type EtcdSettings, etcdOptions, etcdSettings } from './etcd.js';
import { firmwareHostOptions } from './firmware/host.js';
import { releaseKeys } from './firmware/release-keys.js';
import { type ProbeSettings, probeOptions, probeSettings } from './probe.js';

const count = integer(0, 0x7fffffff);

const parameterOptions = {
  weight: option(
    parameter('weight', integer(1, 65535)),
    DEFAULT_PARAMETERS.weight,
    'Share of the traffic, 1 to 65535.',
  ),
  max_conns: option(
    parameter('max_conns', count),
    DEFAULT_PARAMETERS.max_conns,
    'Maximum number of open connections; 0 for no limit.',
  ),
  max_fails: option(
    parameter('max_fails', count),
    DEFAULT_PARAMETERS.max_fails,
    'Failed attempts within fail_timeout that make the server unavailable; 0 to never make it unavailable.',
  ),
  fail_timeout: option(
    parameter('fail_timeout', nginxTime),
    DEFAULT_PARAMETERS.fail_timeout,
    'Time in which max_fails are counted, and for which the server is then unavailable.',
  ),
  slow_start: option(
    parameter('slow_start', nginxTime),
    DEFAULT_PARAMETERS.slow_start,
    'Time in which a recovered server gets back to its full weight; 0s for at once.',
  ),
  route: option(
    parameter('route', string),
    DEFAULT_PARAMETERS.route,
    'http: name of the server in sticky routes.',
  ),
  backup: option(
    parameter('backup', boolean),
    DEFAULT_PARAMETERS.backup,
    'The server gets traffic only while all others are unavailable.',
  ),
  down: option(
    parameter('down', boolean),
    DEFAULT_PARAMETERS.down,
    'The server is registered but gets no traffic.',
  ),
};

const serviceOptions = {
  service: required(service, 'firmware', 'Name of the service, such as firmware.'),
  address: required(
    instanceAddress,
    'auto:8080',
    'Address of this instance: ip:port; auto:port for the address from which this host reaches etcd; or auto:interface:port.',
  ),
  ...parameterOptions,
  meta: option(map, {}, 'Labels of your own, such as zone=a. sidekick does not use them.'),
  probe: probeOptions,
};

/** The options of `sidekick register`. */
export const registerScope = {
  options: {
    lease: {
      ttl: option(
        duration('2s'),
        formatDuration(DEFAULT_LEASE_TTL),
        'How long the registrations stay in etcd after this process is gone.',
      ),
    },
    drainTimeout: option(
      duration(),
      formatDuration(DEFAULT_DRAIN_TIMEOUT),
      'How long a stop waits until the watchers have drained the services. Must not be less than their own drain timeouts.',
    ),
    firmware: firmwareHostOptions,
    ...etcdOptions,
    ...adminOptions,
    ...logOptions,
  },
  lists: {
    services: {
      doc: 'The services of this host, if there are several. Options outside the list are the defaults of its entries.',
      entry: serviceOptions,
      inline: { prefix: '', inlineKey: 'service' },
    } satisfies ListOption<typeof serviceOptions>,
  },
};

export type RegisterConfig = Resolved<typeof registerScope.options, typeof registerScope.lists>;
type ServiceEntry = RegisterConfig['lists']['services'][number];

/** One service to register. Its address may have to be found out. */
export interface ServiceSettings {
  /** Goes before the keys of this service in a message. */
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

/** What a firmware server's files are kept by. */
export interface FirmwareHostSettings {
  readonly directory: string;
  readonly service: string;
  readonly parallel: number;
  /** Where the server is; undefined: it has the files of every region. */
  readonly region?: string;
  /** Downloads at a time that the server carries. */
  readonly slots?: number;
  /** Bytes a second. */
  readonly bandwidth?: number;
  /** Bytes. */
  readonly reserve: number;
  /** undefined: releases need no signature. */
  readonly releaseKeys?: ReleaseKeys | undefined;
}

/** What `sidekick register` is told. All times are in milliseconds. */
export interface RegisterSettings extends EtcdSettings {
  readonly admin: AdminSettings;
  readonly leaseTtl: number;
  readonly drainTimeout: number;
  readonly services: readonly ServiceSettings[];
  /** The files of the firmware server on this host; undefined if there is none. */
  readonly firmware: FirmwareHostSettings | undefined;
  readonly warnings: readonly Problem[];
}

/** Makes the settings of `sidekick register` from its configuration and reads the files that it names. Throws a UsageError. */
export function registerSettings(
  { values, lists }: RegisterConfig,
  env: Readonly<Record<string, string | undefined>>,
): RegisterSettings {
  const files = createFileReader(env);
  const etcd = etcdSettings(values, files);
  const services = lists.services.map((entry) => serviceSettings(entry, files));
  const firmware = firmwareSettings(values.firmware, services, files);
  const admin = adminSettings(values, files);
  refuseProblems(files.problems);
  const { lease, drainTimeout } = values;
  return { ...etcd, admin, leaseTtl: lease.ttl, drainTimeout, services, firmware, warnings: files.warnings };
}

function firmwareSettings(
  {
    directory,
    region,
    slots,
    bandwidth,
    releaseKeys: paths,
    ...others
  }: RegisterConfig['values']['firmware'],
  services: readonly ServiceSettings[],
  files: FileReader,
): FirmwareHostSettings | undefined {
  const keys = releaseKeys('firmware.releaseKeys', paths, files);
  if (directory === undefined) return undefined;
  if (!services.some(({ service }) => service === others.service)) {
    const reason = `must be a service of this host, got ${others.service}`;
    files.problems.push({ key: 'firmware.service', reason });
  }
  if (
    region !== undefined &&
    services.some(({ service }) => service === regionalService(others.service, region))
  ) {
    const reason = `registers ${regionalService(others.service, region)} by itself: leave it out of the services`;
    files.problems.push({ key: 'firmware.region', reason });
  }
  return { directory, ...others, releaseKeys: keys, ...defined({ region, slots, bandwidth }) };
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
