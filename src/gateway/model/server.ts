/** The parameters of a server of an upstream group, and their validation. */
import * as address from './address.js';
import * as dict from './dict.js';
import * as duration from './duration.js';
import type { ErrorCode } from './errors.js';
import * as errors from './errors.js';

/** The two kinds of upstream groups in NGINX: those of the http block and those of the stream block. */
export type Kind = 'http' | 'stream';

/** The parameters of a server. An absent one has NGINX's default. */
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

/** A JSON value that is neither an object nor an array. */
type Scalar = string | number | boolean | null;

type Check = (value: Scalar, kind: Kind) => string | number | boolean;

function formatError(text: string): never {
  throw errors.refusal('UpstreamConfFormatError', text);
}

/** An integer within bounds. A string of digits is accepted, as in NGINX Plus. */
function integer(name: string, code: ErrorCode, min: number, max: number): Check {
  return (value) => {
    const number = /^\d{1,10}$/.test(`${value}`) ? Number(value) : -1;
    if (number < min || number > max) throw errors.refusal(code, `invalid "${name}" value`);
    return number;
  };
}

/** A time, in the form in which the API shows times: `10s`, or `1500ms`. */
function time(name: string, code: ErrorCode): Check {
  return (value) => {
    const ms = duration.parse(`${value}`);
    if (ms < 0 || ms > duration.MAX_MS) throw errors.refusal(code, `invalid "${name}" value`);
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
    throw errors.refusal('UpstreamConfNoResolver', `no resolver defined to resolve "${value}"`);
  if (parsed.error !== '')
    throw errors.refusal(
      'UpstreamBadAddress',
      parsed.error === 'no port'
        ? `no port in upstream "${value}"`
        : `invalid ${parsed.error} while parsing "${value}"`,
    );
  return parsed.server;
}

function route(value: Scalar): string {
  if (typeof value !== 'string') return formatError('invalid "route" value');
  if (value.length > 32) throw errors.refusal('UpstreamBadRoute', 'route is too long');
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

/** The names of all parameters. */
export const NAMES = Object.keys(CHECKS);

/** Maximum length of a parameter's value, in characters: an address with a host name. */
const MAX_VALUE_LENGTH = 300;

const HTTP_ONLY = ['route', 'drain'];

function checkOne(name: string, value: unknown, kind: Kind): string | number | boolean {
  if (value !== null && typeof value === 'object') return formatError('nested object or list');
  const check = dict.get(CHECKS, name);
  if (check === undefined || (kind === 'stream' && HTTP_ONLY.indexOf(name) >= 0))
    return formatError(`unknown parameter "${name}"`);
  if (typeof value === 'string' && value.length > MAX_VALUE_LENGTH)
    return formatError(`too long "${name}" value`);
  return check(value as Scalar, kind);
}

/** Validates the parsed body of a POST or PATCH. Throws a {@link errors.Refusal}. */
export function check(body: unknown, kind: Kind): Parameters {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    return formatError('invalid server object');
  const names = Object.keys(body);
  const checked: { [name: string]: string | number | boolean } = {};
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (name === 'service')
      throw errors.refusal('UpstreamConfNoResolver', 'no resolver defined to resolve a service');
    checked[name] = checkOne(name, (body as { [name: string]: unknown })[name], kind);
  }
  return checked as Parameters;
}

/** Like {@link check}, for a new server: the address is required. */
export function checkNew(body: unknown, kind: Kind): Parameters {
  const parameters = check(body, kind);
  if (parameters.server === undefined) return formatError('missing "server" argument');
  return normalize(parameters);
}

/** `down` and `drain` exclude each other: the one set last wins. `drain: false` is the same as no `drain`. */
function normalize(parameters: Parameters): Parameters {
  if (parameters.drain) parameters.down = false;
  if (!parameters.drain) delete parameters.drain;
  return parameters;
}

/** The parameters after a PATCH. `server` and `backup` may be present, but must not change. */
export function patch(id: number, old: Parameters, changes: Parameters): Parameters {
  if (changes.server !== undefined && changes.server !== old.server)
    throw errors.refusal('UpstreamServerImmutable', `server "${id}" address is immutable`);
  if (changes.backup !== undefined && changes.backup !== (old.backup === true))
    return formatError('invalid "backup" value');
  const next = Object.assign({}, old, changes);
  if (changes.down !== undefined && changes.drain === undefined) delete next.drain;
  return normalize(next);
}
