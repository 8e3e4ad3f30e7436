/** A server of an upstream group: its parameters, their checks and their rendering. */
import * as address from './address.js';
import * as dict from './dict.js';
import * as duration from './duration.js';
import * as errors from './errors.js';

/** The two halves of NGINX that have upstream groups. */
export type Kind = 'http' | 'stream';

/** Parameters a server may carry; an absent one has NGINX's default. */
export interface Parameters {
  server?: string;
  weight?: number;
  max_conns?: number;
  max_fails?: number;
  fail_timeout?: string;
  slow_start?: string;
  route?: string;
  backup?: boolean;
  down?: boolean;
  drain?: boolean;
}

/** What a body may hold for one parameter, once nesting is ruled out. */
type Scalar = string | number | boolean | null;

type Check = (value: Scalar, kind: Kind) => string | number | boolean;

function formatError(text: string): never {
  throw errors.failure(400, 'UpstreamConfFormatError', text);
}

/** A whole number within bounds; digits in a string count, as they do for NGINX Plus. */
function integer(name: string, code: string, min: number, max: number): Check {
  return (value) => {
    const text = typeof value === 'number' ? `${value}` : value;
    const number = typeof text === 'string' && /^\d{1,10}$/.test(text) ? Number(text) : -1;
    if (number < min || number > max) throw errors.failure(400, code, `invalid "${name}" value`);
    return number;
  };
}

/** A time, in the one form in which the API shows times: whole seconds where it can. */
function time(name: string, code: string): Check {
  return (value) => {
    const text = typeof value === 'number' ? `${value}` : value;
    const ms = typeof text === 'string' ? duration.parse(text) : -1;
    if (ms < 0 || ms > duration.LONGEST) throw errors.failure(400, code, `invalid "${name}" value`);
    return duration.format(ms);
  };
}

function bool(name: string): Check {
  return (value) => {
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    return formatError(`invalid "${name}" value`);
  };
}

function server(value: Scalar, kind: Kind): string {
  if (typeof value !== 'string' || value === '') return formatError('invalid "server" value');
  const parsed = address.parse(value, kind === 'http' ? 80 : 0);
  if (parsed.error === 'name')
    throw errors.failure(400, 'UpstreamConfNoResolver', `no resolver defined to resolve "${value}"`);
  if (parsed.error !== '')
    throw errors.failure(
      400,
      'UpstreamBadAddress',
      parsed.error === 'no port'
        ? `no port in upstream "${value}"`
        : `invalid ${parsed.error} while parsing "${value}"`,
    );
  return parsed.server;
}

function route(value: Scalar): string {
  if (typeof value !== 'string') return formatError('invalid "route" value');
  if (value.length > 32) throw errors.failure(400, 'UpstreamBadRoute', 'route is too long');
  return value;
}

const CHECKS: { [name: string]: Check } = {
  server: server,
  weight: integer('weight', 'UpstreamBadWeight', 1, 65535),
  max_conns: integer('max_conns', 'UpstreamBadMaxConns', 0, 4294967295),
  max_fails: integer('max_fails', 'UpstreamBadMaxFails', 0, 4294967295),
  fail_timeout: time('fail_timeout', 'UpstreamBadFailTimeout'),
  slow_start: time('slow_start', 'UpstreamBadSlowStart'),
  route: route,
  backup: bool('backup'),
  down: bool('down'),
  drain: bool('drain'),
};

/** Longest value of a parameter, in characters: an address with a host name. */
const LONGEST_VALUE = 300;

const HTTP_ONLY = ['route', 'drain'];

function checkOne(name: string, value: unknown, kind: Kind): string | number | boolean {
  if (value !== null && typeof value === 'object') return formatError('nested object or list');
  const check = dict.get(CHECKS, name);
  if (check === undefined || (kind === 'stream' && HTTP_ONLY.indexOf(name) >= 0))
    return formatError(`unknown parameter "${name}"`);
  if (typeof value === 'string' && value.length > LONGEST_VALUE)
    return formatError(`too long "${name}" value`);
  return check(value as Scalar, kind);
}

/** Checks a body of POST or PATCH. Throws the failure that the API answers with. */
export function check(body: unknown, kind: Kind): Parameters {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    return formatError('invalid server object');
  const names = Object.keys(body);
  const checked: { [name: string]: string | number | boolean } = {};
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (name === 'service')
      throw errors.failure(400, 'UpstreamConfNoResolver', 'no resolver defined to resolve a service');
    checked[name] = checkOne(name, (body as { [name: string]: unknown })[name], kind);
  }
  return checked as Parameters;
}

/** Like {@link check}, and the address must be there. */
export function checkNew(body: unknown, kind: Kind): Parameters {
  const parameters = check(body, kind);
  if (parameters.server === undefined) return formatError('missing "server" argument');
  return normalize(parameters);
}

/** `down` and `drain` exclude each other, the one asked for last wins; `drain: false` leaves no trace. */
function normalize(parameters: Parameters): Parameters {
  if (parameters.drain) parameters.down = false;
  if (!parameters.drain) delete parameters.drain;
  return parameters;
}

/** The parameters after a PATCH. What cannot change may be named, as long as it stays what it is. */
export function patch(id: number, old: Parameters, changes: Parameters): Parameters {
  if (changes.server !== undefined && changes.server !== old.server)
    throw errors.failure(400, 'UpstreamServerImmutable', `server "${id}" address is immutable`);
  if (changes.backup !== undefined && changes.backup !== (old.backup === true))
    return formatError('invalid "backup" value');
  const next = Object.assign({}, old, changes);
  if (changes.down !== undefined && changes.drain === undefined) delete next.drain;
  return normalize(next);
}

/** The server as the API shows it: every field, in NGINX Plus's order. */
export function render(id: number, p: Parameters, kind: Kind): { [name: string]: unknown } {
  const shown: { [name: string]: unknown } = {
    id: id,
    server: p.server,
    weight: p.weight === undefined ? 1 : p.weight,
    max_conns: p.max_conns === undefined ? 0 : p.max_conns,
    max_fails: p.max_fails === undefined ? 1 : p.max_fails,
    fail_timeout: p.fail_timeout === undefined ? '10s' : p.fail_timeout,
    slow_start: p.slow_start === undefined ? '0s' : p.slow_start,
  };
  if (kind === 'http') shown.route = p.route === undefined ? '' : p.route;
  shown.backup = p.backup === true;
  shown.down = p.down === true;
  if (p.drain) shown.drain = true;
  return shown;
}
