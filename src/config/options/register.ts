import { type Address, parseAddress } from '../../core/address.js';
import { err, ok, type Result } from '../../core/result.js';
import { DEFAULT_PARAMETERS } from '../../core/server-parameters.js';
import { boolean, duration, type Format, integer, map, parameter, service, show, string } from '../format.js';
import { type ListOption, option, required } from '../schema.js';
import { adminOptions, etcdOptions, logOptions } from './common.js';
import { probeOptions } from './probe.js';

/** The address of an instance: given, or this host's own, on an interface where one is named. */
export type ConfiguredAddress =
  | { readonly address: Address }
  | { readonly port: number; readonly interface: string | undefined };

const AUTO = /^auto:(?:([^:\s]{1,15}):)?(\d{1,5})$/;

const ownAddress: Format<ConfiguredAddress> = {
  name: 'address',
  allowed: 'host:port with an IP address as host, auto:port or auto:interface:port',
  placeholder: '<host:port>',
  coerce: (text) => text,
  read(value) {
    if (typeof value !== 'string') return err(`must be ${ownAddress.allowed}, got ${show(value)}`);
    return value.startsWith('auto:') ? readAuto(value) : readFixed(value);
  },
};

function readAuto(text: string): Result<ConfiguredAddress> {
  const parts = AUTO.exec(text);
  const port = Number(parts?.[2]);
  if (!parts || port < 1 || port > 65535) return err(`must be ${ownAddress.allowed}, got ${show(text)}`);
  return ok({ port, interface: parts[1] });
}

function readFixed(text: string): Result<ConfiguredAddress> {
  const address = parseAddress(text);
  return address.ok
    ? ok({ address: address.value })
    : err(`must be ${ownAddress.allowed}: ${address.reason}`);
}

const count = integer(0, 0x7fffffff);
const time: Format<unknown> = { ...string, name: 'time', placeholder: '<time>' };

const parameterOptions = {
  weight: option(
    parameter('weight', integer(1, 65535)),
    DEFAULT_PARAMETERS.weight,
    'Share of the traffic, 1 to 65535.',
  ),
  max_conns: option(
    parameter('max_conns', count),
    DEFAULT_PARAMETERS.max_conns,
    'Most open connections at a time; 0 for no limit.',
  ),
  max_fails: option(
    parameter('max_fails', count),
    DEFAULT_PARAMETERS.max_fails,
    'Failed attempts within fail_timeout that make it unavailable; 0 to switch that off.',
  ),
  fail_timeout: option(
    parameter('fail_timeout', time),
    DEFAULT_PARAMETERS.fail_timeout,
    'The time for max_fails, and how long it then stays unavailable.',
  ),
  slow_start: option(
    parameter('slow_start', time),
    DEFAULT_PARAMETERS.slow_start,
    'How long a recovered server takes to come back to its weight; 0s to switch that off.',
  ),
  route: option(
    parameter('route', string),
    DEFAULT_PARAMETERS.route,
    "http: the server's name in sticky routes.",
  ),
  backup: option(
    parameter('backup', boolean),
    DEFAULT_PARAMETERS.backup,
    'Gets traffic only when the others are unavailable.',
  ),
  down: option(parameter('down', boolean), DEFAULT_PARAMETERS.down, 'Registered, but gets no traffic.'),
};

const serviceOptions = {
  service: required(service, 'Name of the service, such as firmware.'),
  address: required(
    ownAddress,
    "Where this instance is reached: ip:port, or auto:port for this host's own address on its way to etcd, or auto:interface:port.",
  ),
  ...parameterOptions,
  meta: option(map, {}, 'Labels of your own, such as zone=a; sidekick gives them no meaning.'),
  probe: probeOptions,
};

/** The options of `sidekick register`. */
export const registerScope = {
  options: {
    lease: {
      ttl: option(duration('2s'), '15s', 'How long the registration outlives a sidekick that is gone.'),
    },
    drainTimeout: option(
      duration(),
      '30s',
      'How long a stop waits for the watchers to take the services out. Not less than their own drain timeouts.',
    ),
    ...etcdOptions,
    ...adminOptions,
    ...logOptions,
  },
  lists: {
    services: {
      doc: 'The services of this host, where there are several. What stands beside the list is their default.',
      entry: serviceOptions,
      beside: { prefix: '', single: 'service' },
    } satisfies ListOption<typeof serviceOptions>,
  },
};
