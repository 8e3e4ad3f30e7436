import { isObject, type JsonBounds, readJsonObject } from './bounded-json.js';
import { printable } from './printable.js';

/**
 * What daemons say of themselves in etcd, under their leases, so that any host can show the whole fleet. For people alone:
 * nothing is decided on it. Times are milliseconds since the epoch, by the daemon's clock.
 */

/** The longest value that a daemon publishes, in characters. */
const MAX_PUBLISHED = 16_384;

/** The longest text in it, in characters. */
const MAX_TEXT = 200;

const BOUNDS: JsonBounds = { length: 65_536, depth: 8, items: 20_000 };

/** How a registrar has one instance. */
export interface PublishedInstance {
  readonly health: string;
  /** Since when it has been as it is; 0 where that is not known. */
  readonly since: number;
  /** Why it is not healthy, or not registered. */
  readonly reason?: string;
  /** `registered`, `absent`, `superseded`, `refused`. */
  readonly key: string;
  readonly version: string;
}

/** Why a server is down that is registered so. */
export const REGISTERED_DOWN = 'registered as down';

/** A server that is not simply up. */
export interface PublishedServer {
  readonly address: string;
  /** `down`, `draining`, `held`, `missing` (wanted, but NGINX does not have it). */
  readonly state: string;
  /** Open requests or connections; undefined where not known. */
  readonly active?: number;
  /** When a drain or a hold ends at the latest. */
  readonly until?: number;
  readonly reason?: string;
}

export interface PublishedUpstream {
  readonly kind: string;
  readonly name: string;
  readonly services: readonly string[];
  readonly inSync: boolean;
  /** How many servers NGINX has. */
  readonly servers: number;
  /** The servers that are not simply up: the first of them. */
  readonly others: readonly PublishedServer[];
  /** How many more there are. */
  readonly more: number;
  readonly error?: string;
}

export interface PublishedNginx {
  readonly name: string;
  /** `connected`, `unavailable`, `refused`. */
  readonly state: string;
  readonly version?: string;
  readonly error?: string;
  readonly upstreams: readonly PublishedUpstream[];
  /** How many upstreams are left out for want of room. */
  readonly more: number;
  /** Services that feed no upstream. */
  readonly problems: readonly { readonly service: string; readonly message: string }[];
  /** Groups that no service feeds, such as `http/firmware`: the first of them. */
  readonly unfed: readonly string[];
}

/** An instance whose lease ended although nobody had drained it. */
export interface PublishedLoss {
  readonly service: string;
  readonly address: string;
  /** When the watcher saw it. */
  readonly at: number;
}

export interface PublishedWatcher {
  readonly version: string;
  /** When it was started. */
  readonly since: number;
  readonly ready: boolean;
  /** What etcd refuses it. */
  readonly error?: string;
  readonly nginx: readonly PublishedNginx[];
  /** Keys that it does not take, each with the reason: the first of them. */
  readonly rejected: readonly { readonly key: string; readonly reason: string }[];
  /** Services with more keys than `limits` allows: the first of them, each with how many are left out. */
  readonly limited: readonly { readonly service: string; readonly overLimit: number }[];
  /** Instances that it has lost and that have not registered again: the newest of them, newest first. */
  readonly lost: readonly PublishedLoss[];
}

/** How many servers and upstreams are named, from most to least: the first that fits is published. */
const LEVELS = [
  { servers: 50, upstreams: 200 },
  { servers: 10, upstreams: 100 },
  { servers: 2, upstreams: 40 },
  { servers: 0, upstreams: 10 },
] as const;

/** The value of a watcher's key: at most MAX_PUBLISHED characters, however much there is. What does not fit is counted. */
export function encodeWatcher(watcher: PublishedWatcher): string {
  for (const { servers, upstreams } of LEVELS) {
    const nginx = watcher.nginx.map((one) => cutNginx(one, servers, upstreams));
    const value = JSON.stringify({ ...watcher, nginx });
    if (value.length <= MAX_PUBLISHED) return value;
  }
  const { version, since, ready } = watcher;
  return JSON.stringify({
    version,
    since,
    ready,
    nginx: [],
    rejected: [],
    limited: [],
    lost: [],
    error: 'too much to publish',
  });
}

/** Those not in sync, or with servers that are not up, come first: they are what is looked for. */
function cutNginx(nginx: PublishedNginx, servers: number, upstreams: number): PublishedNginx {
  const interest = ({ inSync, others }: PublishedUpstream) => (inSync ? 0 : 2) + (others.length > 0 ? 1 : 0);
  const sorted = [...nginx.upstreams].sort((a, b) => interest(b) - interest(a));
  const kept = sorted.slice(0, upstreams).map((upstream) => ({
    ...upstream,
    others: upstream.others.slice(0, servers),
    more: upstream.more + Math.max(0, upstream.others.length - servers),
  }));
  return { ...nginx, upstreams: kept, more: sorted.length - kept.length };
}

export function encodeInstance(instance: PublishedInstance): string {
  const { reason } = instance;
  return JSON.stringify({
    ...instance,
    ...(reason === undefined ? {} : { reason: printable(reason, MAX_TEXT) }),
  });
}

/** Reads a value. It is untrusted: what cannot be read is left out, and text is safe to print. Never throws. */
export function decodeInstance(value: string): PublishedInstance | undefined {
  const fields = readJsonObject(value, BOUNDS);
  if (!fields.ok) return undefined;
  const { health, since, reason, key, version } = fields.value;
  return {
    health: text(health),
    since: number(since),
    ...reasonOf(reason),
    key: text(key),
    version: text(version),
  };
}

/** As `decodeInstance`. */
export function decodeWatcher(value: string): PublishedWatcher | undefined {
  const fields = readJsonObject(value, BOUNDS);
  if (!fields.ok) return undefined;
  const { version, since, ready, error, nginx, rejected, limited, lost } = fields.value;
  return {
    version: text(version),
    since: number(since),
    ready: ready === true,
    ...errorOf(error),
    nginx: objects(nginx).map(readNginx),
    rejected: objects(rejected).map(({ key, reason }) => ({ key: text(key), reason: text(reason) })),
    limited: objects(limited).map(({ service, overLimit }) => ({
      service: text(service),
      overLimit: number(overLimit),
    })),
    lost: objects(lost).map(({ service, address, at }) => ({
      service: text(service),
      address: text(address),
      at: number(at),
    })),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function readNginx({
  name,
  state,
  version,
  error,
  upstreams,
  more,
  problems,
  unfed,
}: Fields): PublishedNginx {
  return {
    name: text(name),
    state: text(state),
    ...(typeof version === 'string' ? { version: text(version) } : {}),
    ...errorOf(error),
    upstreams: objects(upstreams).map(readUpstream),
    more: number(more),
    problems: objects(problems).map(({ service, message }) => ({
      service: text(service),
      message: text(message),
    })),
    unfed: texts(unfed),
  };
}

function readUpstream({
  kind,
  name,
  services,
  inSync,
  servers,
  others,
  more,
  error,
}: Fields): PublishedUpstream {
  return {
    kind: text(kind),
    name: text(name),
    services: texts(services),
    inSync: inSync === true,
    servers: number(servers),
    others: objects(others).map(readServer),
    more: number(more),
    ...errorOf(error),
  };
}

function readServer({ address, state, active, until, reason }: Fields): PublishedServer {
  return {
    address: text(address),
    state: text(state),
    ...(typeof active === 'number' ? { active } : {}),
    ...(typeof until === 'number' ? { until } : {}),
    ...reasonOf(reason),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? printable(value, MAX_TEXT) : '';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string').map(text) : [];
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function objects(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function reasonOf(value: unknown): { readonly reason?: string } {
  return typeof value === 'string' && value !== '' ? { reason: text(value) } : {};
}

function errorOf(value: unknown): { readonly error?: string } {
  return typeof value === 'string' && value !== '' ? { error: text(value) } : {};
}
