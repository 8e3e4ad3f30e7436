import { formatNginxTime, parseNginxTime } from './nginx-time.js';
import { describe, err, ok, type Result } from './result.js';
import type { Kind } from './upstream.js';

/**
 * The parameters of one server of an upstream group, under NGINX's own names, all of them present.
 * Times are in the canonical spelling of `formatNginxTime`, so two equal sets of parameters are equal field by field.
 */
export interface ServerParameters {
  /** Share of the traffic, 1 to 65535. */
  readonly weight: number;
  /** Most open connections at a time, 0 for no limit. */
  readonly max_conns: number;
  /** Failed attempts within `fail_timeout` that make the server unavailable, 0 to switch that off. */
  readonly max_fails: number;
  readonly fail_timeout: string;
  /** How long a recovered server takes to come back to its full weight, `0s` to switch that off. */
  readonly slow_start: string;
  /** The server's name in sticky routes; http only, at most 32 characters. */
  readonly route: string;
  readonly backup: boolean;
  readonly down: boolean;
}

export type ParameterName = keyof ServerParameters;

/** NGINX's defaults: what its API shows for a server that was added with an address alone. */
export const DEFAULT_PARAMETERS: ServerParameters = {
  weight: 1,
  max_conns: 0,
  max_fails: 1,
  fail_timeout: '10s',
  slow_start: '0s',
  route: '',
  backup: false,
  down: false,
};

export const PARAMETER_NAMES = Object.keys(DEFAULT_PARAMETERS) as readonly ParameterName[];

type Reader<T> = (value: unknown) => T | undefined;

const integer =
  (min: number, max: number): Reader<number> =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined;

const boolean: Reader<boolean> = (value) => (typeof value === 'boolean' ? value : undefined);

const time: Reader<string> = (value) => {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const seconds = parseNginxTime(String(value));
  return seconds === undefined ? undefined : formatNginxTime(seconds);
};

const MAX_INT = 0x7fffffff;
const COUNT = { allowed: `an integer from 0 to ${MAX_INT}`, read: integer(0, MAX_INT) };
const TIME = { allowed: 'an NGINX time in whole seconds such as 10s or 1m', read: time };
const BOOLEAN = { allowed: 'true or false', read: boolean };

const RULES: { readonly [P in ParameterName]: { allowed: string; read: Reader<ServerParameters[P]> } } = {
  weight: { allowed: 'an integer from 1 to 65535', read: integer(1, 65535) },
  max_conns: COUNT,
  max_fails: COUNT,
  fail_timeout: TIME,
  slow_start: TIME,
  route: {
    allowed: 'a string of at most 32 characters',
    read: (value) => (typeof value === 'string' && value.length <= 32 ? value : undefined),
  },
  backup: BOOLEAN,
  down: BOOLEAN,
};

/** Reads one parameter from untrusted input into its canonical form. */
export function readParameter<P extends ParameterName>(name: P, value: unknown): Result<ServerParameters[P]> {
  const rule = RULES[name];
  const read = rule.read(value);
  if (read !== undefined) return ok(read);
  return err(`${name} must be ${rule.allowed}, got ${describe(value)}`);
}

/** Reads the parameters that `source` has and fills in the defaults. The reason names every bad one. */
export function readParameters(source: Readonly<Record<string, unknown>>): Result<ServerParameters> {
  let parameters = DEFAULT_PARAMETERS;
  const reasons: string[] = [];
  for (const name of PARAMETER_NAMES) {
    if (!Object.hasOwn(source, name)) continue;
    const result = readParameter(name, source[name]);
    if (result.ok) parameters = { ...parameters, [name]: result.value };
    else reasons.push(result.reason);
  }
  return reasons.length > 0 ? err(reasons.join('; ')) : ok(parameters);
}

const PARAMETERS: Readonly<Record<Kind, readonly ParameterName[]>> = {
  http: PARAMETER_NAMES,
  stream: PARAMETER_NAMES.filter((name) => name !== 'route'),
};

/** The parameters that a server of this kind has: a stream server has no `route`. */
export function parametersFor(kind: Kind): readonly ParameterName[] {
  return PARAMETERS[kind];
}

/** Whether servers of this kind with these parameters are equal. */
export function sameParameters(kind: Kind, one: ServerParameters, other: ServerParameters): boolean {
  return one === other || PARAMETERS[kind].every((name) => one[name] === other[name]);
}

/** The parameters in which `wanted` differs from `present`, with the wanted values. */
export function differences(
  kind: Kind,
  present: ServerParameters,
  wanted: ServerParameters,
): Partial<ServerParameters> {
  const names = parametersFor(kind).filter((name) => present[name] !== wanted[name]);
  return Object.fromEntries(names.map((name) => [name, wanted[name]]));
}

/** The parameters that differ from the defaults: the shortest way to write a set of them. */
export function nonDefault(parameters: ServerParameters): Partial<ServerParameters> {
  return parameters === DEFAULT_PARAMETERS ? {} : differences('http', DEFAULT_PARAMETERS, parameters);
}
