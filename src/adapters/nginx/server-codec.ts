import { type Address, parseAddress } from '../../core/address.js';
import { isObject } from '../../core/bounded-json.js';
import { defined } from '../../core/defined.js';
import type { ActualServer, PeerTraffic } from '../../core/ports.js';
import {
  DEFAULT_PARAMETERS,
  PARAMETER_NAMES,
  parametersFor,
  readParameter,
  type ServerParameters,
} from '../../core/server-parameters.js';
import type { Kind } from '../../core/upstream.js';

/** What the group's `peers` say of one server. */
interface PeerStatus {
  readonly active?: number;
  readonly failing: boolean;
}

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

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Reads `servers`, without their counters: those that are sidekick's, and how many are not. Undefined where any of it is none of NGINX's answers:
 * a server that was left out would be taken for one that is not there, and added again.
 */
export function readServers(
  value: unknown,
): { readonly servers: readonly ActualServer[]; readonly unmanaged: number } | undefined {
  if (!Array.isArray(value)) return undefined;
  const all = value as readonly unknown[];
  if (!all.every(isWireServer)) return undefined;
  const parametersOf = parameterReader();
  const servers = all.flatMap((server) => readManaged(server, parametersOf) ?? []);
  return { servers, unmanaged: all.length - servers.length };
}

/** Reads one server, without its counters; undefined where it is none of NGINX's answers, or not sidekick's. */
export function readServer(value: unknown): ActualServer | undefined {
  return isWireServer(value) ? readManaged(value, readWireParameters) : undefined;
}

/** Fields that only a server has which is not sidekick's. */
const UNMANAGED_FIELDS = ['parent', 'host', 'service'] as const;

/** Undefined where it is not sidekick's: a DNS name, a child of one (`parent`, `host`), an SRV `service`, a unix socket. */
function readManaged(
  value: WireServer,
  parametersOf: (server: WireServer) => ServerParameters,
): ActualServer | undefined {
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

/** Reads the parameters of many servers. Most have the same ones: equal ones are read once, and are one object. */
function parameterReader(): (server: WireServer) => ServerParameters {
  const known = new Map<string, ServerParameters>();
  return (server) => {
    const spelled = JSON.stringify(PARAMETER_NAMES.map((name) => server[name]));
    const parameters = known.get(spelled) ?? readWireParameters(server);
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

/**
 * Reads `peers` of a group; undefined where it is none of NGINX's answers. `last_passed` shows a dead server even where
 * `state` says only `down` or `draining`.
 */
export function readPeers(value: unknown): ReadonlyMap<number, PeerStatus> | undefined {
  const peers = new Map<number, PeerStatus>();
  if (!isObject(value) || !Array.isArray(value.peers)) return undefined;
  for (const peer of value.peers as readonly unknown[]) {
    if (!isObject(peer) || !isId(peer.id)) return undefined;
    const checks = isObject(peer.health_checks) ? peer.health_checks : {};
    const failing = peer.state === 'unhealthy' || peer.state === 'unavail' || checks.last_passed === false;
    peers.set(peer.id, { failing, ...(typeof peer.active === 'number' ? { active: peer.active } : {}) });
  }
  return peers;
}

/**
 * Reads the counters in `peers` of a group by address; undefined where it is none of NGINX's answers. A peer of http
 * counts `requests`, one of stream `connections`. Peers without an address, such as Unix sockets, are left out.
 */
export function readTraffic(value: unknown): ReadonlyMap<Address, PeerTraffic> | undefined {
  if (!isObject(value) || !Array.isArray(value.peers)) return undefined;
  const traffic = new Map<Address, PeerTraffic>();
  for (const peer of value.peers as readonly unknown[]) {
    if (!isObject(peer)) return undefined;
    const address = typeof peer.server === 'string' ? parseAddress(peer.server) : undefined;
    if (!address?.ok) continue;
    const before = traffic.get(address.value);
    traffic.set(
      address.value,
      defined({
        active: sum(before?.active, count(peer.active)),
        total: sum(before?.total, count(peer.requests) ?? count(peer.connections)),
      }),
    );
  }
  return traffic;
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 ? value : undefined;
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : a + (b ?? 0);
}

/** The parameters that a server of this kind has, for a request body. */
export function wireParameters(kind: Kind, parameters: Partial<ServerParameters>): Partial<ServerParameters> {
  const known: ReadonlySet<string> = new Set(parametersFor(kind));
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => known.has(name)));
}
