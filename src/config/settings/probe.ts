import { createHash } from 'node:crypto';
import type { ProbeSpec, ProbeTls } from '../../adapters/probes/spec.js';
import type { Address } from '../../core/address.js';
import type { HealthPolicy } from '../../core/health.js';
import type { probeOptions } from '../options/probe.js';
import type { Values } from '../schema.js';
import type { FileReader } from '../secret.js';
import { defined, tlsSettings } from './tls.js';
import { isOwnHost } from './urls.js';

type ProbeValues = Values<typeof probeOptions>;
type ProbeType = ProbeValues['type'];

/** A probe as configured, for whichever instance it is pointed at. */
export interface ProbeSettings {
  spec(address: Address): ProbeSpec;
  /** The same for two probes that look at the same in the same way. */
  readonly id: string;
  readonly health: HealthPolicy;
}

/** The options that only some types of probe take. */
const ONLY: Partial<Record<keyof ProbeValues, readonly ProbeType[]>> = {
  path: ['http'],
  method: ['http'],
  status: ['http'],
  headers: ['http'],
  version: ['mqtt'],
  clientId: ['mqtt'],
  username: ['mqtt'],
  passwordFile: ['mqtt'],
  command: ['exec'],
  env: ['exec'],
  target: ['tcp', 'http', 'mqtt'],
  tls: ['tcp', 'http', 'mqtt'],
};

const TLS_ONLY = ['ca', 'cert', 'key', 'serverName', 'insecure'] as const;

/**
 * @param label Goes before the keys in a message, such as `services[1].probe.`.
 * @param elsewhere What the instances are called where they are on other hosts; undefined: they are on this one.
 */
export function probeSettings(
  values: ProbeValues,
  label: string,
  files: FileReader,
  elsewhere?: string,
): ProbeSettings {
  refuseStray(values, label, files);
  warnOfPlainProbe(values, label, files, elsewhere);
  const password = files.password(`${label}passwordFile`, values.passwordFile);
  const tls = values.tls ? { tls: { ...tlsSettings(values, label, files), insecure: values.insecure } } : {};
  const { interval, timeout, rise, fall } = values;
  const spec = (address: Address): ProbeSpec => specFor(values, values.target ?? address, password, tls);
  return { spec, health: { interval, timeout, rise, fall }, id: digest({ values, password, tls }) };
}

/** Headers that are there to prove who asks. */
const CREDENTIAL = /auth|cookie|token|secret|passw|api-?key/i;

/** The option that gives the probe a credential to send; undefined where none does. */
export function secretOf({ headers, passwordFile }: ProbeValues): 'headers' | 'passwordFile' | undefined {
  if (passwordFile !== undefined) return 'passwordFile';
  return Object.keys(headers ?? {}).some((name) => CREDENTIAL.test(name)) ? 'headers' : undefined;
}

function warnOfPlainProbe(
  values: ProbeValues,
  label: string,
  files: FileReader,
  elsewhere: string | undefined,
): void {
  const secret = secretOf(values);
  const remote = values.target ?? elsewhere;
  if (secret === undefined || values.tls || remote === undefined) return;
  if (isOwnHost(remote.replace(/:\d+$/, ''))) return;
  const reason = `the credential goes to ${remote} unencrypted, and who is on the way can read it: use ${label}tls`;
  files.warnings.push({ key: `${label}${secret}`, reason });
}

function refuseStray(values: ProbeValues, label: string, files: FileReader): void {
  for (const [name, types] of Object.entries(ONLY)) {
    const value = values[name as keyof ProbeValues];
    if (value === undefined || value === false || types.includes(values.type)) continue;
    const reason = `is for probes of type ${types.join(', ')}, and ${label}type is ${values.type}`;
    files.problems.push({ key: `${label}${name}`, reason });
  }
  for (const name of TLS_ONLY) {
    if (values.tls || values[name] === undefined || values[name] === false) continue;
    files.problems.push({ key: `${label}${name}`, reason: `needs ${label}tls` });
  }
  if (values.type === 'exec' && !values.command) {
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
  if (type === 'http') return { type, target, ...defined({ path, method, status, headers }), ...tls };
  if (type === 'mqtt') return { type, target, ...defined({ version, clientId, username, password }), ...tls };
  if (type === 'exec') return { type, command: command ?? ['false'], ...defined({ env }) };
  return { type, target, ...tls };
}

/** A digest and not the text, for there are secrets in it. */
function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
