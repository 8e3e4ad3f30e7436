import { parseAddress } from '../../core/address.js';
import { isObject } from '../../core/bounded-json.js';
import type { ActualServer } from '../../core/ports.js';
import {
  DEFAULT_PARAMETERS,
  PARAMETER_NAMES,
  parametersFor,
  readParameter,
  type ServerParameters,
} from '../../core/server-parameters.js';
import type { Kind } from '../../core/upstream.js';

/** One element of `servers` whose fields have the types that they have in NGINX's answers. */
type WireServer = Readonly<Record<string, unknown>> & { readonly id: number; readonly server: string };

/** A field that is absent has its default; one of another type is in no answer of NGINX. */
function isWireServer(value: unknown): value is WireServer {
  return (
    isObject(value) &&
    isId(value.id) &&
    typeof value.server === 'string' &&
    ['undefined', 'boolean'].includes(typeof value.drain) &&
    PARAMETER_NAMES.every(
      (name) => value[name] === undefined || typeof value[name] === typeof DEFAULT_PARAMETERS[name],
    )
  );
}

export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A server that is not sidekick's. */
export const UNMANAGED = 'unmanaged';

/** Reads one server, without its counters; undefined where it is none of NGINX's answers, or not sidekick's. */
export function readServer(value: unknown, parametersOf: ParameterReader): ActualServer | undefined {
  const server = readListedServer(value, parametersOf);
  return server === UNMANAGED ? undefined : server;
}

/** Reads one element of `servers`, without its counters; undefined where it is none of NGINX's answers. */
export function readListedServer(
  value: unknown,
  parametersOf: ParameterReader,
): ActualServer | typeof UNMANAGED | undefined {
  return isWireServer(value) ? (readManaged(value, parametersOf) ?? UNMANAGED) : undefined;
}

/** Fields that only a server has which is not sidekick's. */
const UNMANAGED_FIELDS = ['parent', 'host', 'service'] as const;

/** Undefined where it is not sidekick's: a DNS name, a child of one (`parent`, `host`), an SRV `service`, a unix socket. */
function readManaged(value: WireServer, parametersOf: ParameterReader): ActualServer | undefined {
  if (UNMANAGED_FIELDS.some((name) => (value[name] ?? '') !== '')) return undefined;
  const address = parseAddress(value.server);
  if (!address.ok) return undefined;
  return {
    id: value.id,
    address: address.value,
    parameters: parametersOf(value),
    draining: value.drain === true,
    failing: false,
  };
}

/** Reads the parameters of a server. */
export type ParameterReader = (server: WireServer) => ServerParameters;

/** How many different parameters a reader remembers. */
const MOST_PARAMETERS = 1_000;

/** Reads the parameters of many servers. Most have the same ones: equal ones are read once, and are one object. */
export function parameterReader(): ParameterReader {
  const known = new Map<string, ServerParameters>();
  return (server) => {
    const spelled = JSON.stringify(PARAMETER_NAMES.map((name) => server[name]));
    const parameters = known.get(spelled) ?? readWireParameters(server);
    if (known.size >= MOST_PARAMETERS) known.clear();
    known.set(spelled, parameters);
    return parameters;
  };
}

/** NGINX's own spelling of a time (`1m`) becomes the canonical one (`60s`), so that equal servers compare equal. */
function readWireParameters(server: Readonly<Record<string, unknown>>): ServerParameters {
  const read = PARAMETER_NAMES.map((name) => [name, readParameter(name, server[name])] as const);
  const good = read.flatMap(([name, result]) => (result.ok ? [[name, result.value] as const] : []));
  return { ...DEFAULT_PARAMETERS, ...Object.fromEntries(good) };
}

/** The parameters that a server of this kind has, for a request body. */
export function wireParameters(kind: Kind, parameters: Partial<ServerParameters>): Partial<ServerParameters> {
  const known: ReadonlySet<string> = new Set(parametersFor(kind));
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => known.has(name)));
}
