import { err, ok } from '../../core/result.js';
import { boolean, duration, type Format, file, listOf, oneOf, show, string, url } from '../format.js';
import { option, optional } from '../schema.js';

/** A prefix of keys in etcd. */
const prefix: Format<string> = {
  name: 'prefix',
  allowed: 'a prefix that begins and ends with a slash, such as /services/',
  placeholder: '<prefix>',
  coerce: (text) => text,
  read: (value) =>
    typeof value === 'string' && /^\/([^/\s]+\/)+$/.test(value)
      ? ok(value)
      : err(`must be ${prefix.allowed}, got ${show(value)}`),
};

/** TLS towards a server, from PEM files. */
export const tlsOptions = {
  ca: optional(file, 'File with the authorities (PEM) that may have signed the server certificate.'),
  cert: optional(file, 'File with the client certificate and its chain (PEM).'),
  key: optional(file, "File with the client certificate's key (PEM)."),
  serverName: optional(string, 'Name to expect in the server certificate, where it is not the host.'),
};

export const etcdOptions = {
  etcd: {
    endpoints: option(
      listOf(url),
      ['http://127.0.0.1:2379'],
      'Members of the etcd cluster. Repeat the flag or separate by commas for several.',
    ),
    username: optional(string, "User of etcd's own; goes with the password file."),
    passwordFile: optional(
      file,
      'File whose first line is the password. A bare name is a systemd credential.',
    ),
    ...tlsOptions,
    requestTimeout: option(duration('100ms'), '2s', 'How long one call to etcd may take.'),
    resync: option(duration('1s'), '30s', 'How often what is watched in etcd is read again in full.'),
  },
  prefix: {
    services: option(prefix, '/services/', 'Where registrations are in etcd.'),
    control: option(
      prefix,
      '/sidekick/',
      'Where watchers, their answers and requests of operators are in etcd.',
    ),
  },
};

/** Where a command's admin endpoints listen: a host and port, or `off`. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

const listen: Format<Listen | 'off'> = {
  name: 'listen',
  allowed: 'host:port (IPv6 as [host]:port, port 0 for any free one) or off',
  placeholder: '<host:port|off>',
  coerce: (text) => text,
  read(value) {
    if (value === 'off' || value === false) return ok('off');
    const parts = typeof value === 'string' ? /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(value) : null;
    const port = Number(parts?.[3]);
    if (!parts || port > 65535) return err(`must be ${listen.allowed}, got ${show(value)}`);
    return ok({ host: parts[1] ?? parts[2] ?? '', port });
  },
};

export const logOptions = {
  log: {
    level: option(oneOf('debug', 'info', 'warn', 'error'), 'info', 'The least level that is logged.'),
    format: option(
      oneOf('auto', 'json', 'pretty'),
      'auto',
      'JSON lines or text for people; auto: text on a terminal, otherwise JSON.',
    ),
  },
};

export const adminOptions = {
  admin: {
    listen: option(
      listen,
      '127.0.0.1:9464',
      'Where /healthz, /readyz, /metrics and /status answer. They have no access control: keep them on loopback.',
    ),
  },
};

/** A switch that is off unless given. */
export function switchOption(doc: string) {
  return option(boolean, false, doc);
}
