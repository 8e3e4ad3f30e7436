/** The formats that the core or an adapter defines. They are apart from the others because that code takes time to load. */
import { isUnixUrl } from '../../adapters/nginx/location.js';
import {
  type Address,
  type HostPort,
  type Networks,
  parseAddress,
  parseNetwork,
  splitHostPort,
} from '../../core/address.js';
import { parseService } from '../../core/keys.js';
import { err, ok, type Result } from '../../core/result.js';
import { type ParameterName, readParameter, type ServerParameters } from '../../core/server-parameters.js';
import { asText, type Format, listOf, refuse, string, textFormat, url } from './formats.js';

/** A format that a reader of the core defines. Its reasons begin with the field's name, which is cut off: the key is named anyway. */
function coreFormat<T>(
  name: string,
  allowed: string,
  read: (value: unknown) => Result<T>,
  coerce: (text: string) => unknown = asText,
): Format<T> {
  return {
    name,
    allowed,
    placeholder: `<${name}>`,
    coerce,
    read(value) {
      const result = read(value);
      return result.ok ? result : err(result.reason.replace(/^\S+ (?=must )/, ''));
    },
  };
}

/** Reads text with a parser of the core. */
function readText<T>(allowed: string, parse: (text: string) => Result<T>): (value: unknown) => Result<T> {
  return (value) => (typeof value === 'string' ? parse(value) : refuse(allowed, value));
}

const SERVICE = 'letters, digits, "_", "." or "-" (at most 128)';
export const service: Format<string> = coreFormat('service', SERVICE, readText(SERVICE, parseService));

/** One of NGINX's own server parameters, in its canonical form; written as `like` is. */
export function parameter<P extends ParameterName>(
  name: P,
  like: Format<unknown>,
): Format<ServerParameters[P]> {
  const read = (value: unknown) => readParameter(name, value);
  return {
    ...coreFormat(like.name, `a valid ${name}`, read, (text) => like.coerce(text)),
    placeholder: like.placeholder,
  };
}

/** Networks in CIDR form. */
const networks: Format<Networks> = listOf(
  coreFormat(
    'network',
    'an IP network such as 10.0.0.0/8',
    readText('an IP network such as 10.0.0.0/8', parseNetwork),
  ),
);

/** The address of an instance: given, or this host's own, on an interface where one is named. */
export type ConfiguredAddress =
  | { readonly address: Address }
  | { readonly port: number; readonly interface: string | undefined };

const AUTO = /^auto:(?:([^:\s]{1,15}):)?(\d{1,5})$/;

/** The address of an instance of this host. */
export const instanceAddress: Format<ConfiguredAddress> = {
  name: 'address',
  allowed: 'host:port with an IP address as host, auto:port or auto:interface:port',
  placeholder: '<host:port>',
  coerce: asText,
  read(value) {
    if (typeof value !== 'string') return refuse(instanceAddress.allowed, value);
    return value.startsWith('auto:') ? readAuto(value) : readFixed(value);
  },
};

function readAuto(text: string): Result<ConfiguredAddress> {
  const parts = AUTO.exec(text);
  const port = Number(parts?.[2]);
  if (!parts || port < 1 || port > 65535) return refuse(instanceAddress.allowed, text);
  return ok({ port, interface: parts[1] });
}

function readFixed(text: string): Result<ConfiguredAddress> {
  const address = parseAddress(text);
  return address.ok
    ? ok({ address: address.value })
    : err(`must be ${instanceAddress.allowed}: ${address.reason}`);
}

/** A time in NGINX's own spelling, such as `10s`; only for `parameter`, which reads it. */
export const nginxTime: Format<unknown> = { ...string, name: 'time', placeholder: '<time>' };

/** A watcher's id: one segment of a key in etcd. */
export const watcherId: Format<string> = {
  ...service,
  name: 'name',
  allowed: 'a name of letters, digits, "_", "." or "-" (at most 128)',
  placeholder: '<name>',
};

/** The root of an NGINX Plus API: a URL, or a Unix socket in NGINX's spelling. */
export const apiUrl: Format<string> = {
  ...url,
  allowed: 'an http:// or https:// URL, or unix:/path/of/the.sock:/api',
  read(value) {
    if (typeof value !== 'string' || !value.startsWith('unix:')) return url.read(value);
    return isUnixUrl(value) ? ok(value) : refuse(apiUrl.allowed, value);
  },
};

/** Networks by service; in text `service=network`, separated by commas, a service as often as it has networks. */
export const networksByService: Format<Readonly<Record<string, Networks>>> = {
  name: 'networks by service',
  allowed: 'IP networks by service, such as firmware=10.0.0.0/8, with * for every other service',
  placeholder: '<service=network>',
  repeatable: true,
  coerce(text) {
    const allowed = new Map<string, string[]>();
    for (const pair of text.split(',')) {
      const [, name = '', network = ''] = /^([^=]+)=(.+)$/.exec(pair.trim()) ?? [];
      if (!name) return text;
      allowed.set(name, [...(allowed.get(name) ?? []), network]);
    }
    return Object.fromEntries(allowed);
  },
  read(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return refuse(networksByService.allowed, value);
    }
    const entries: [string, Networks][] = [];
    for (const [name, list] of Object.entries(value)) {
      const known = name === '*' ? ok(name) : parseService(name);
      if (!known.ok) return known;
      const result = networks.read(typeof list === 'string' ? [list] : list);
      if (!result.ok) return err(`${name}: ${result.reason}`);
      entries.push([name, result.value]);
    }
    return ok(Object.fromEntries(entries));
  },
};

/** Reads `host:port`, IPv6 as `[host]:port`; the port is at least `least`. */
function parseHostPort(text: string, least: number): HostPort | undefined {
  const parts = splitHostPort(text);
  return parts && parts.port >= least && parts.port <= 65535 ? parts : undefined;
}

/** Where a probe connects to, as text; the host may be a name. */
export const target: Format<string> = textFormat(
  'target',
  'host:port (IPv6 as [host]:port)',
  (text) => parseHostPort(text, 1) && text,
  '<host:port>',
);

/** Where a server of this process listens, or `off`. */
export const listen: Format<HostPort | 'off'> = {
  name: 'listen',
  allowed: 'host:port (IPv6 as [host]:port, port 0 for any free one) or off',
  placeholder: '<host:port|off>',
  coerce: asText,
  read(value) {
    // YAML reads a bare `off` as false.
    if (value === 'off' || value === false) return ok('off');
    const parsed = typeof value === 'string' ? parseHostPort(value, 0) : undefined;
    return parsed ? ok(parsed) : refuse(listen.allowed, value);
  },
};
