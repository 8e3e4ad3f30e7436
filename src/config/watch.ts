import { hostname } from 'node:os';
import type { NginxApiOptions } from '../adapters/nginx/options.js';
import { DEFAULT_SERVICE_LIMITS } from '../core/admission.js';
import { defined } from '../core/defined.js';
import { DEFAULT_GUARD } from '../core/guard.js';
import { DEFAULT_LEASE_TTL } from '../daemon/lease/options.js';
import {
  DEFAULT_DRAIN_TIMEOUT,
  DEFAULT_PROBE_LIMITS,
  DEFAULT_TIMING,
  type UpstreamRule,
  type WatcherOptions,
} from '../daemon/watcher/options.js';
import { type AdminSettings, adminOptions, adminSettings } from './admin.js';
import { logOptions } from './common.js';
import { networksByService, service, watcherId } from './engine/core-formats.js';
import { formatDuration } from './engine/duration.js';
import { duration, integer, oneOf, ratio, string } from './engine/formats.js';
import { type Problem, refuseProblems } from './engine/problem.js';
import type { Resolved } from './engine/resolve.js';
import { type ListOption, option, optional, required, runSwitch, switchOption } from './engine/schema.js';
import { createFileReader, type FileReader } from './engine/secret-files.js';
import { type EtcdSettings, etcdOptions, etcdSettings } from './etcd.js';
import { type FirmwareOfferSettings, firmwareOfferOptions, firmwareOfferSettings } from './firmware/offer.js';
import { type GatewayProbe, gatewayProbe } from './gateway-probes.js';
import { literalHost, nginxOptions, nginxSettings } from './nginx.js';
import { credentialOption, type ProbeSettings, probeOptions, probeSettings } from './probe.js';
import { isLimited, openRecipients } from './recipients.js';

const upstreamOptions = {
  service: required(service, 'firmware', 'Name of the service.'),
  kind: required(oneOf('http', 'stream'), 'http', 'Kind of the upstream in NGINX.'),
  upstream: optional(string, 'Name of the upstream; default the name of the service.'),
  drainTimeout: optional(
    duration(),
    'How long a draining server of this upstream may take to become idle; default drainTimeout of the kind.',
  ),
};

const watcherProbeOptions = {
  service: required(service, 'firmware', 'Name of the service whose instances are probed.'),
  ...probeOptions,
};

const timing = (
  key: keyof typeof DEFAULT_TIMING & ('resync' | 'identity' | 'debounce' | 'settle'),
  doc: string,
) => option(duration('1ms'), formatDuration(DEFAULT_TIMING[key]), doc);

const timingOptions = {
  resync: timing('resync', 'How often each upstream is read and compared again without a change.'),
  identity: timing('identity', 'How often NGINX is asked whether it was reloaded or restarted.'),
  debounce: timing('debounce', 'Minimum time from one pass over an upstream to the next.'),
  settle: timing(
    'settle',
    'How long a server must have been draining before a count of 0 active connections means that it is idle.',
  ),
  concurrency: option(
    integer(1, 1000),
    DEFAULT_TIMING.concurrency,
    'Maximum number of calls in progress to one NGINX.',
  ),
};

/** The options of `sidekick watch`. */
export const watchScope = {
  options: {
    id: optional(
      watcherId,
      'Name of this watcher in etcd. No other watcher may have the same; default the host name.',
    ),
    lease: {
      ttl: option(
        duration('2s'),
        formatDuration(DEFAULT_LEASE_TTL),
        'How long drains wait for this watcher after it is gone.',
      ),
    },
    drainTimeout: {
      http: option(
        duration(),
        formatDuration(DEFAULT_DRAIN_TIMEOUT.http),
        'How long a draining http server may take to become idle. After that it is removed in any case.',
      ),
      stream: option(
        duration(),
        formatDuration(DEFAULT_DRAIN_TIMEOUT.stream),
        'The same for stream servers. Sessions that are still open are not closed.',
      ),
    },
    dryRun: switchOption('Print what would be done and change nothing.'),
    json: runSwitch('Print what --once and --dry-run did as JSON.'),
    once: switchOption('Make one pass. Exits with 0 if NGINX is then in sync with etcd.'),
    timeout: option(duration('1s'), '30s', 'How long --once and --dry-run wait while etcd is unavailable.'),
    allow: option(
      networksByService,
      {},
      'Networks that may contain instances of a service, * for every other service; default any. Loopback, link-local, multicast and unspecified addresses and those of the load balancer itself are rejected, unless a network here covers only such addresses (127.0.0.0/8, 10.0.0.5/32) or all addresses (0.0.0.0/0).',
    ),
    limits: {
      instances: option(
        integer(1, 1_000_000),
        DEFAULT_SERVICE_LIMITS.instances,
        'Maximum number of instances of one service. Later registrations are left out.',
      ),
      bytes: option(
        integer(1, 1_000_000_000),
        DEFAULT_SERVICE_LIMITS.bytes,
        'Maximum size of the values of one service, in bytes. Later registrations are left out.',
      ),
      probes: option(
        integer(1, 100_000),
        DEFAULT_PROBE_LIMITS.underWay,
        'Maximum number of probes in progress. Services take turns.',
      ),
      probeRate: option(
        integer(1, 100_000),
        DEFAULT_PROBE_LIMITS.perSecond,
        'Maximum number of probes started in a second.',
      ),
    },
    guard: {
      window: option(
        duration(),
        formatDuration(DEFAULT_GUARD.window),
        'Instances that vanish without a drain within this time count as one loss.',
      ),
      maxLoss: option(
        ratio,
        DEFAULT_GUARD.maxLoss,
        'Largest part of an upstream that may be lost at once. If more is lost, the guard holds it in NGINX.',
      ),
      hold: option(duration(), formatDuration(DEFAULT_GUARD.hold), 'How long the guard holds servers.'),
      grace: option(
        duration(),
        formatDuration(DEFAULT_GUARD.grace),
        'How long after its instance vanished without a drain a server is first left as it is, unless its probes fail.',
      ),
    },
    gatewayProbes: option(
      oneOf('auto', 'tcp', 'mqtt', 'off'),
      'auto',
      'How this watcher probes, every 2s, the services in upstreams of the gateway, which has no health checks of its own. Services in probes are probed as configured there. auto: tcp for http upstreams, mqtt for stream upstreams, in one session for each broker.',
    ),
    firmware: firmwareOfferOptions,
    timing: timingOptions,
    ...etcdOptions,
    ...adminOptions,
    ...logOptions,
  },
  lists: {
    nginx: {
      doc: 'The NGINX instances to keep in sync, if there are several. Options outside the list are the defaults of its entries.',
      entry: nginxOptions,
      inline: { prefix: 'nginx.', inlineKey: 'nginx.api' },
    } satisfies ListOption<typeof nginxOptions>,
    upstreams: {
      doc: 'Services whose upstream has another name or another drain timeout, or is one of two with the same name.',
      entry: upstreamOptions,
    } satisfies ListOption<typeof upstreamOptions>,
    probes: {
      doc: 'Services whose instances this watcher probes. An instance that fails gets no traffic.',
      entry: watcherProbeOptions,
    } satisfies ListOption<typeof watcherProbeOptions>,
  },
};

export type WatchConfig = Resolved<typeof watchScope.options, typeof watchScope.lists>;
type UpstreamEntry = WatchConfig['lists']['upstreams'][number];

/** What `sidekick watch` is told. All times are in milliseconds. */
export interface WatchSettings extends EtcdSettings {
  readonly admin: AdminSettings;
  readonly watcher: WatcherOptions;
  readonly nginx: readonly NginxApiOptions[];
  /** The configured probes by service. */
  readonly probes: ReadonlyMap<string, ProbeSettings>;
  /** The probe of any other service in an upstream of the gateway; undefined if such services are not probed. */
  readonly gatewayProbe: GatewayProbe | undefined;
  /** undefined if no firmware is offered. */
  readonly firmware: FirmwareOfferSettings | undefined;
  readonly warnings: readonly Problem[];
}

/** Makes the settings of `sidekick watch` from its configuration and reads the files that it names. Throws a UsageError. */
export function watchSettings(
  { values, lists }: WatchConfig,
  env: Readonly<Record<string, string | undefined>>,
): WatchSettings {
  const files = createFileReader(env);
  const { etcd, prefixes, filesRead } = etcdSettings(values, files);
  const nginx = lists.nginx.map((entry) => nginxSettings(entry, files));
  refuseRepeats(
    'name',
    nginx.map(({ name }) => name),
    lists.nginx,
    files,
  );
  const admin = adminSettings(values, files);
  const probes = lists.probes.map((entry) =>
    probeSettings(entry.values, entry.label, files, `the instances of ${entry.values.service}`),
  );
  const probed = lists.probes.map((entry) => entry.values.service);
  refuseRepeats('service', probed, lists.probes, files);
  for (const entry of lists.probes) checkRecipients(entry, values.allow, files);
  const id = values.id ?? hostname();
  const firmware = firmwareOfferSettings(values.firmware, id, values.allow, files);
  refuseProblems(files.problems);
  const { instances, bytes, probes: underWay, probeRate } = values.limits;
  const watcher: WatcherOptions = {
    id,
    prefixes,
    leaseTtl: values.lease.ttl,
    upstreams: lists.upstreams.map(upstreamRule),
    drainTimeout: values.drainTimeout,
    guard: values.guard,
    allow: values.allow,
    limits: { instances, bytes },
    probeLimits: { underWay, perSecond: probeRate },
    nginxHosts: nginx.flatMap(({ url }) => literalHost(url)),
    timing: { ...DEFAULT_TIMING, ...values.timing },
  };
  return {
    etcd,
    prefixes,
    filesRead,
    admin,
    watcher,
    nginx,
    probes: new Map(probes.map((probe, i) => [probed[i] ?? '', probe])),
    gatewayProbe: gatewayProbe(values.gatewayProbes, id),
    firmware,
    warnings: files.warnings,
  };
}

/**
 * A probe of the watcher goes to whatever address is registered. A credential must not: it needs networks that the
 * instances must be in, or a certificate that they must show.
 */
function checkRecipients(
  { label, values }: WatchConfig['lists']['probes'][number],
  allow: WatchConfig['values']['allow'],
  files: FileReader,
): void {
  const credential = credentialOption(values);
  if (credential === undefined || values.target !== undefined) return;
  if (isLimited(values.service, allow) || (values.tls && !values.insecure)) return;
  const reason = openRecipients(values.service, `${label}tls without insecure`);
  files.problems.push({ key: `${label}${credential}`, reason });
}

function upstreamRule({ values }: UpstreamEntry): UpstreamRule {
  const { service, kind, upstream = service, drainTimeout } = values;
  return { service, kind, upstream, ...defined({ drainTimeout }) };
}

/** Reports each name that an earlier entry has already. */
function refuseRepeats(
  key: string,
  names: readonly string[],
  entries: readonly { readonly label: string }[],
  files: FileReader,
): void {
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) === i) continue;
    const reason = `must be different from that of every other entry, got ${name} again`;
    files.problems.push({ key: `${entries[i]?.label ?? ''}${key}`, reason });
  }
}
