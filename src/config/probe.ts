import { createHash } from 'node:crypto';
import type { ProbeSpec, ProbeTls } from '../adapters/probes/spec.js';
import type { Address } from '../core/address.js';
import { defined } from '../core/defined.js';
import { DEFAULT_HEALTH_POLICY, type HealthPolicy } from '../core/health.js';
import { target } from './engine/core-formats.js';
import { formatDuration } from './engine/duration.js';
import {
  command,
  duration,
  file,
  integer,
  listOf,
  map,
  mqttVersion,
  oneOf,
  string,
} from './engine/formats.js';
import { option, optional, printedAs, sensitive, switchOption, type Values } from './engine/schema.js';
import type { FileReader } from './engine/secret-files.js';
import { tlsOptions, tlsSettings } from './tls.js';
import { isOwnHost } from './urls.js';

type ProbeType = ProbeSpec['type'];

/** The options that only some types of probe take, by type. A type that is missing here does not compile. */
export const OPTIONS_OF_TYPE: Readonly<Record<ProbeType, readonly (keyof typeof probeOptions)[]>> = {
  tcp: ['target', 'tls'],
  http: ['target', 'tls', 'path', 'method', 'status', 'headers'],
  mqtt: ['target', 'tls', 'version', 'clientId', 'username', 'passwordFile'],
  exec: ['command', 'env'],
};

const PROBE_TYPES = Object.keys(OPTIONS_OF_TYPE) as readonly ProbeType[];

/** Options that need `tls`. */
const TLS_ONLY = ['ca', 'cert', 'key', 'serverName', 'insecure'] as const;

/** Arguments may hold secrets. */
function programAlone(value: unknown): unknown {
  const [program, ...rest]: readonly unknown[] = Array.isArray(value) ? value : [];
  return rest.length > 0 ? [program, `(${rest.length} arguments hidden)`] : [program];
}

/** The options of a probe. If only some types take an option, its text names them. */
export const probeOptions = {
  type: option(
    oneOf(...PROBE_TYPES),
    'tcp',
    'tcp: the port accepts connections. http: the status of the response is an expected one. mqtt: the broker accepts a CONNECT. exec: a program exits with 0.',
  ),
  target: optional(
    target,
    'tcp, http, mqtt: where the probe connects to; default the address of the service.',
  ),
  interval: option(
    duration('10ms'),
    formatDuration(DEFAULT_HEALTH_POLICY.interval),
    'Time from the end of one probe to the start of the next.',
  ),
  timeout: option(
    duration('10ms'),
    formatDuration(DEFAULT_HEALTH_POLICY.timeout),
    'A probe that takes longer has failed.',
  ),
  rise: option(
    integer(1, 1000),
    DEFAULT_HEALTH_POLICY.rise,
    'Successful probes in a row that make an unhealthy instance healthy.',
  ),
  fall: option(
    integer(1, 1000),
    DEFAULT_HEALTH_POLICY.fall,
    'Failed probes in a row that make a healthy instance unhealthy.',
  ),
  path: optional(string, 'http: path of the request; default /.'),
  method: optional(oneOf('GET', 'HEAD'), 'http: method of the request; default GET.'),
  status: optional(listOf(integer(100, 599)), 'http: statuses that mean healthy; default 200 to 399.'),
  headers: sensitive(
    optional(map, 'http: request headers. Put them into a file if there is a secret in them.'),
  ),
  version: optional(mqttVersion, 'mqtt: version of the protocol; default 3.1.1.'),
  clientId: optional(string, 'mqtt: ClientId; default a random one for each probe.'),
  username: optional(string, 'mqtt: user.'),
  passwordFile: optional(
    file,
    'mqtt: file whose first line is the password. A name without a slash is a systemd credential.',
  ),
  command: printedAs(
    optional(command, 'exec: the program and its arguments. It is run without a shell.'),
    programAlone,
  ),
  env: sensitive(
    optional(
      map,
      'exec: variables added to the environment. Put them into a file if there is a secret in them.',
    ),
  ),
  tls: switchOption('tcp, http, mqtt: use TLS.'),
  ...tlsOptions,
  insecure: switchOption('With tls: accept any certificate.'),
};

type ProbeValues = Values<typeof probeOptions>;

/** A probe as configured, for any instance. */
export interface ProbeSettings {
  spec(address: Address): ProbeSpec;
  /** Two probes with the same id check the same thing in the same way. */
  readonly id: string;
  readonly health: HealthPolicy;
}

/**
 * Reads the options of a probe, with the files that they name. Problems and warnings are added to `files`.
 * @param label Goes before the keys in a message, such as `services[1].probe.`.
 * @param remote How a message names the instances if they are on other hosts; undefined: they are on this host.
 */
export function probeSettings(
  values: ProbeValues,
  label: string,
  files: FileReader,
  remote?: string,
): ProbeSettings {
  refuseUnusedOptions(values, label, files);
  warnOfPlainProbe(values, label, files, remote);
  const password = files.password(`${label}passwordFile`, values.passwordFile);
  const tls = values.tls ? { tls: { ...tlsSettings(values, label, files), insecure: values.insecure } } : {};
  const { interval, timeout, rise, fall } = values;
  const spec = (address: Address): ProbeSpec => specFor(values, values.target ?? address, password, tls);
  return { spec, health: { interval, timeout, rise, fall }, id: digest({ values, password, tls }) };
}

/** Names of headers that usually hold a credential. */
const CREDENTIAL = /auth|cookie|token|secret|passw|api-?key/i;

/** The option by which the probe sends a credential; undefined if there is none. */
export function credentialOption({
  headers,
  passwordFile,
}: ProbeValues): 'headers' | 'passwordFile' | undefined {
  if (passwordFile !== undefined) return 'passwordFile';
  return Object.keys(headers ?? {}).some((name) => CREDENTIAL.test(name)) ? 'headers' : undefined;
}

function warnOfPlainProbe(
  values: ProbeValues,
  label: string,
  files: FileReader,
  remote: string | undefined,
): void {
  const credential = credentialOption(values);
  const recipient = values.target ?? remote;
  if (credential === undefined || values.tls || recipient === undefined) return;
  if (isOwnHost(recipient.replace(/:\d+$/, ''))) return;
  const reason = `the credential goes to ${recipient} unencrypted, and anyone on the network path can read it: use ${label}tls`;
  files.warnings.push({ key: `${label}${credential}`, reason });
}

function refuseUnusedOptions(values: ProbeValues, label: string, files: FileReader): void {
  const { type } = values;
  for (const name of new Set(Object.values(OPTIONS_OF_TYPE).flat())) {
    const value = values[name];
    if (value === undefined || value === false || OPTIONS_OF_TYPE[type].includes(name)) continue;
    const types = PROBE_TYPES.filter((other) => OPTIONS_OF_TYPE[other].includes(name));
    const reason = `is for probes of type ${types.join(', ')}, and ${label}type is ${type}`;
    files.problems.push({ key: `${label}${name}`, reason });
  }
  for (const name of TLS_ONLY) {
    if (values.tls || values[name] === undefined || values[name] === false) continue;
    files.problems.push({ key: `${label}${name}`, reason: `needs ${label}tls` });
  }
  if (type === 'exec' && !values.command) {
    files.problems.push({ key: `${label}command`, reason: 'is required for probes of type exec' });
  }
}

function specFor(
  values: ProbeValues,
  target: string,
  password: string | undefined,
  tls: { readonly tls?: ProbeTls },
): ProbeSpec {
  const { type, path, method, status, headers, version, clientId, username, command, env } = values;
  switch (type) {
    case 'tcp':
      return { type, target, ...tls };
    case 'http':
      return { type, target, ...defined({ path, method, status, headers }), ...tls };
    case 'mqtt':
      return { type, target, ...defined({ version, clientId, username, password }), ...tls };
    case 'exec':
      return { type, command: command ?? ['false'], ...defined({ env }) };
  }
}

/** A digest of a value that may hold secrets. */
function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
