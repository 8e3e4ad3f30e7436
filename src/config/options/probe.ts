import { DEFAULT_HEALTH_POLICY } from '../../core/health.js';
import { err, ok } from '../../core/result.js';
import { formatDuration } from '../duration.js';
import { duration, type Format, file, integer, listOf, map, oneOf, show, string } from '../format.js';
import { hidden, option, optional, printedAs } from '../schema.js';
import { switchOption, tlsOptions } from './common.js';

/** A program and its arguments; in text separated by spaces. */
const command: Format<readonly [string, ...string[]]> = {
  name: 'command',
  allowed: 'a program and its arguments, as a list or separated by spaces',
  placeholder: '<command>',
  coerce: (text) => text.split(/\s+/).filter((word) => word !== ''),
  read(value) {
    const words: readonly unknown[] = Array.isArray(value) ? value : [];
    const [program, ...rest] = words.filter((word) => typeof word === 'string');
    if (!program || rest.length + 1 !== words.length)
      return err(`must be ${command.allowed}, got ${show(value)}`);
    return ok([program, ...rest]);
  },
};

/** `host:port`; the host may be a name. */
const target: Format<string> = {
  name: 'target',
  allowed: 'host:port (IPv6 as [host]:port)',
  placeholder: '<host:port>',
  coerce: (text) => text,
  read(value) {
    const port =
      typeof value === 'string' ? /^(?:\[[^\]\s]+\]|[^:\s[\]]+):(\d{1,5})$/.exec(value)?.[1] : undefined;
    if (typeof value !== 'string' || port === undefined || Number(port) < 1 || Number(port) > 65535) {
      return err(`must be ${target.allowed}, got ${show(value)}`);
    }
    return ok(value);
  },
};

/** `3.1.1` or `5`, read into the protocol's own number of the version: 4 or 5. */
const mqttVersion: Format<4 | 5> = {
  ...oneOf('3.1.1', '5'),
  read(value) {
    const word = oneOf('3.1.1', '5').read(typeof value === 'number' ? String(value) : value);
    return word.ok ? ok(word.value === '5' ? 5 : 4) : word;
  },
} as Format<4 | 5>;

/** Arguments are a usual place for a secret. */
function programAlone(value: unknown): unknown {
  const [program, ...rest]: readonly unknown[] = Array.isArray(value) ? value : [];
  return rest.length > 0 ? [program, `(${rest.length} arguments hidden)`] : [program];
}

/** What a probe looks at, and when an instance counts as healthy. Those with a type in their text need that type. */
export const probeOptions = {
  type: option(
    oneOf('tcp', 'http', 'mqtt', 'exec'),
    'tcp',
    'tcp: the port accepts. http: a request is answered as expected. mqtt: CONNECT is answered by CONNACK. exec: a program exits with 0.',
  ),
  target: optional(target, "What is probed, where it is not the service's own address."),
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
    'Successes in a row that make an unhealthy instance healthy.',
  ),
  fall: option(
    integer(1, 1000),
    DEFAULT_HEALTH_POLICY.fall,
    'Failures in a row that make a healthy instance unhealthy.',
  ),
  path: optional(string, 'http: what is asked for; default /.'),
  method: optional(oneOf('GET', 'HEAD'), 'http: the method; default GET.'),
  status: optional(listOf(integer(100, 599)), 'http: the healthy statuses; default 200 to 399.'),
  headers: hidden(optional(map, 'http: request headers. A secret among them belongs in a file.')),
  version: optional(mqttVersion, 'mqtt: the version of the protocol; default 3.1.1.'),
  clientId: optional(string, 'mqtt: the ClientId; default one at random for each probe.'),
  username: optional(string, 'mqtt: the user.'),
  passwordFile: optional(
    file,
    'mqtt: file whose first line is the password. A bare name is a systemd credential.',
  ),
  command: printedAs(
    optional(command, 'exec: the program and its arguments; run without a shell.'),
    programAlone,
  ),
  env: hidden(
    optional(map, 'exec: variables added to the environment. A secret among them belongs in a file.'),
  ),
  tls: switchOption('http, tcp, mqtt: over TLS.'),
  ...tlsOptions,
  insecure: switchOption('With tls: accept any certificate.'),
};
