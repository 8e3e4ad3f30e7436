import { isUnixUrl } from '../../adapters/nginx/location.js';
import { DEFAULT_NGINX_CONNECTIONS, DEFAULT_NGINX_TIMEOUT } from '../../adapters/nginx/options.js';
import type { Networks } from '../../core/address.js';
import { DEFAULT_SERVICE_LIMITS } from '../../core/admission.js';
import { DEFAULT_GUARD } from '../../core/guard.js';
import { parseService } from '../../core/keys.js';
import { err, ok } from '../../core/result.js';
import { DEFAULT_DRAIN_TIMEOUT, DEFAULT_PROBE_LIMITS, DEFAULT_TIMING } from '../../daemon/watcher/options.js';
import { formatDuration } from '../duration.js';
import {
  duration,
  type Format,
  file,
  integer,
  networks,
  oneOf,
  ratio,
  service,
  show,
  string,
  url,
} from '../format.js';
import { type ListOption, option, optional, required } from '../schema.js';
import { adminOptions, etcdOptions, logOptions, switchOption, tlsOptions } from './common.js';
import { probeOptions } from './probe.js';

/** Networks by service; in text `service=network`, separated by commas, a service as often as it has networks. */
const allow: Format<Readonly<Record<string, Networks>>> = {
  name: 'networks by service',
  allowed: 'IP networks by service, such as firmware=10.0.0.0/8, with * for every other service',
  placeholder: '<service=network>',
  repeatable: true,
  coerce(text) {
    const allowed: Record<string, string[]> = {};
    for (const pair of text.split(',')) {
      const [, name = '', network = ''] = /^([^=]+)=(.+)$/.exec(pair.trim()) ?? [];
      if (!name) return text;
      allowed[name] = [...(allowed[name] ?? []), network];
    }
    return allowed;
  },
  read(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return err(`must be ${allow.allowed}, got ${show(value)}`);
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

/** A watcher's name: one segment of a key in etcd. */
const watcherId: Format<string> = {
  ...service,
  name: 'name',
  allowed: 'a name of letters, digits, "_", "." or "-" (at most 128)',
  placeholder: '<name>',
};

/** The root of an NGINX Plus API: a URL, or a Unix socket as NGINX writes its address. */
const apiUrl: Format<string> = {
  ...url,
  name: 'url',
  allowed: 'an http:// or https:// URL, or unix:/path/of/the.sock:/api',
  read(value) {
    if (typeof value !== 'string' || !value.startsWith('unix:')) return url.read(value);
    return isUnixUrl(value) ? ok(value) : err(`must be ${apiUrl.allowed}, got ${show(value)}`);
  },
};

const nginxOptions = {
  api: required(
    apiUrl,
    "Root of the NGINX Plus API, without a version, such as http://127.0.0.1:8080/api. The gateway's Unix socket is unix:/run/sidekick-gateway/api/api.sock:/api.",
  ),
  name: optional(
    string,
    'What this NGINX is called in logs and metrics; default the host and port of its API.',
  ),
  username: optional(string, 'User for HTTP basic authentication; goes with the password file.'),
  passwordFile: optional(file, 'File whose first line is the password. A bare name is a systemd credential.'),
  tokenFile: optional(
    file,
    'File whose first line is a bearer token, in place of user and password. A bare name is a systemd credential.',
  ),
  ...tlsOptions,
  timeout: option(duration('10ms'), formatDuration(DEFAULT_NGINX_TIMEOUT), 'How long one call may take.'),
  connections: option(integer(1, 1000), DEFAULT_NGINX_CONNECTIONS, 'Most connections kept open to the API.'),
};

const upstreamOptions = {
  service: required(service, 'The service.'),
  kind: required(oneOf('http', 'stream'), 'Where the upstream group is in NGINX.'),
  upstream: optional(string, 'The upstream group it feeds; default the name of the service.'),
  drainTimeout: optional(duration(), 'How long a server of this group may take to become idle.'),
};

const watcherProbeOptions = {
  service: required(service, 'The service whose instances are probed.'),
  ...probeOptions,
};

const timing = (
  key: keyof typeof DEFAULT_TIMING & ('resync' | 'identity' | 'debounce' | 'settle'),
  doc: string,
) => option(duration('1ms'), formatDuration(DEFAULT_TIMING[key]), doc);

const timingOptions = {
  resync: timing('resync', 'How often everything is read and compared again, whatever happens.'),
  identity: timing('identity', 'How often NGINX is asked whether it was reloaded or restarted.'),
  debounce: timing('debounce', 'The least time from one pass over an upstream to the next.'),
  settle: timing('settle', 'How long a drained server must have been out before it is believed to be idle.'),
  concurrency: option(
    integer(1, 1000),
    DEFAULT_TIMING.concurrency,
    'Most calls under way towards one NGINX.',
  ),
};

/** The options of `sidekick watch`. */
export const watchScope = {
  options: {
    id: optional(
      watcherId,
      'Name of this watcher in etcd, one of its own in the cluster; default the host name.',
    ),
    lease: {
      ttl: option(duration('2s'), '15s', 'How long others count on this watcher when it is gone.'),
    },
    drainTimeout: {
      http: option(
        duration(),
        formatDuration(DEFAULT_DRAIN_TIMEOUT.http),
        'How long a draining http server may take to become idle before it is removed all the same.',
      ),
      stream: option(
        duration(),
        formatDuration(DEFAULT_DRAIN_TIMEOUT.stream),
        'The same for stream. Sessions that are open then live on.',
      ),
    },
    dryRun: switchOption('Print what would be done, and change nothing.'),
    once: switchOption('Make one pass, and end with 0 when NGINX matches what is registered.'),
    timeout: option(duration('1s'), '30s', 'How long --once and --dry-run wait for an etcd that is away.'),
    allow: option(
      allow,
      {},
      "The networks in which the instances of a service must lie, * for every other service; default any. Loopback, link-local, multicast and unspecified addresses and the load balancer's own are refused, unless a network here speaks of nothing else (127.0.0.0/8, 10.0.0.5/32) or of everything (0.0.0.0/0).",
    ),
    limits: {
      instances: option(
        integer(1, 1_000_000),
        DEFAULT_SERVICE_LIMITS.instances,
        'Most instances of one service; the newest of more are not taken.',
      ),
      bytes: option(
        integer(1, 1_000_000_000),
        DEFAULT_SERVICE_LIMITS.bytes,
        'Most bytes of the values of one service; the newest of more are not taken.',
      ),
      probes: option(
        integer(1, 100_000),
        DEFAULT_PROBE_LIMITS.underWay,
        'Most probes of this watcher under way; services take turns.',
      ),
      probeRate: option(
        integer(1, 100_000),
        DEFAULT_PROBE_LIMITS.perSecond,
        'Most probes that this watcher begins in a second.',
      ),
    },
    guard: {
      window: option(
        duration(),
        formatDuration(DEFAULT_GUARD.window),
        'Servers that vanish without a drain within this time count as one event.',
      ),
      maxLoss: option(
        ratio,
        DEFAULT_GUARD.maxLoss,
        'The share of a group that may vanish in one event; more is held in NGINX.',
      ),
      hold: option(duration(), formatDuration(DEFAULT_GUARD.hold), 'How long it is held.'),
      grace: option(
        duration(),
        formatDuration(DEFAULT_GUARD.grace),
        'How long a server that vanished without a drain, and is not known to be dead, is left alone before it is drained.',
      ),
    },
    gatewayProbes: option(
      oneOf('auto', 'tcp', 'mqtt', 'off'),
      'auto',
      'The gateway has no health checks of its own: how this watcher probes, every 2s, the services that feed it and that are not in probes. auto: those of http groups by tcp, those of stream groups by mqtt, in one lasting session for each broker.',
    ),
    timing: timingOptions,
    ...etcdOptions,
    ...adminOptions,
    ...logOptions,
  },
  lists: {
    nginx: {
      doc: 'The NGINX to keep up to date, where there are several.',
      entry: nginxOptions,
      beside: { prefix: 'nginx.', single: 'nginx.api' },
    } satisfies ListOption<typeof nginxOptions>,
    upstreams: {
      doc: 'Which service feeds which upstream group, where they do not bear the same name.',
      entry: upstreamOptions,
    } satisfies ListOption<typeof upstreamOptions>,
    probes: {
      doc: 'Services whose instances this load balancer probes itself. One that fails is taken out of rotation.',
      entry: watcherProbeOptions,
    } satisfies ListOption<typeof watcherProbeOptions>,
  },
};
