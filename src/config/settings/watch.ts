import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { isUnixUrl } from '../../adapters/nginx/location.js';
import type { NginxApiOptions, NginxAuth } from '../../adapters/nginx/options.js';
import { type Networks, parseNetwork } from '../../core/address.js';
import type { Kind } from '../../core/upstream.js';
import type { UpstreamRule, WatcherOptions } from '../../daemon/watcher/options.js';
import { DEFAULT_TIMING } from '../../daemon/watcher/options.js';
import type { watchScope } from '../options/watch.js';
import { type Problem, refuseProblems } from '../problem.js';
import type { Resolved } from '../resolve.js';
import { createFileReader, type FileReader } from '../secret.js';
import { type EtcdSettings, etcdSettings } from './etcd.js';
import { type ProbeSettings, probeSettings, secretOf } from './probe.js';
import { authSettings, defined, tlsSettings } from './tls.js';
import { checkNginxUrl, warnOfPlainText } from './urls.js';

export type WatchConfig = Resolved<typeof watchScope.options, typeof watchScope.lists>;
type NginxEntry = WatchConfig['lists']['nginx'][number];
type UpstreamEntry = WatchConfig['lists']['upstreams'][number];

export interface WatchSettings extends EtcdSettings {
  readonly watcher: WatcherOptions;
  readonly nginx: readonly NginxApiOptions[];
  /** The load balancer's own probes by service. */
  readonly probes: ReadonlyMap<string, ProbeSettings>;
  /** What looks at any other service, by the kind of its group in the gateway; undefined where nothing is to. */
  readonly gatewayProbe: ((kind: Kind) => ProbeSettings) | undefined;
  readonly warnings: readonly Problem[];
}

/** Quick, since nothing else notices a dead host before its lease runs out. */
const GATEWAY_HEALTH: ProbeSettings['health'] = { interval: 2000, timeout: 1000, rise: 2, fall: 2 };

const GATEWAY_TCP: ProbeSettings = {
  spec: (target) => ({ type: 'tcp', target }),
  id: 'gateway-tcp',
  health: GATEWAY_HEALTH,
};

/**
 * The gateway's stream groups are there for MQTT, and its API does not say how one is balanced; where one serves another
 * protocol, `probes` or `gatewayProbes: tcp` says so. One client for each watcher, in one session with each broker.
 */
function gatewayMqtt(watcherId: string): ProbeSettings {
  const clientId = `sidekick${createHash('sha256').update(watcherId).digest('hex').slice(0, 12)}`;
  return {
    spec: (target) => ({ type: 'mqtt', target, clientId, lasting: true, strangersRefused: true }),
    id: `gateway-mqtt-${clientId}`,
    health: GATEWAY_HEALTH,
  };
}

function gatewayProbe(
  how: 'auto' | 'tcp' | 'mqtt' | 'off',
  watcherId: string,
): WatchSettings['gatewayProbe'] {
  if (how === 'off') return undefined;
  const mqtt = gatewayMqtt(watcherId);
  return (kind) => (how === 'mqtt' || (how === 'auto' && kind === 'stream') ? mqtt : GATEWAY_TCP);
}

/** What `sidekick watch` needs, with files read. Throws a UsageError. */
export function watchSettings(
  { values, lists }: WatchConfig,
  env: Readonly<Record<string, string | undefined>>,
): WatchSettings {
  const files = createFileReader(env);
  const { etcd, space, filesRead } = etcdSettings(values, files);
  const nginx = lists.nginx.map((entry) => nginxSettings(entry, files));
  refuseRepeats(
    'name',
    nginx.map(({ name }) => name),
    lists.nginx,
    files,
  );
  const probes = lists.probes.map((entry) =>
    probeSettings(entry.values, entry.label, files, `the instances of ${entry.values.service}`),
  );
  const probed = lists.probes.map((entry) => entry.values.service);
  refuseRepeats('service', probed, lists.probes, files);
  for (const entry of lists.probes) checkRecipients(entry, values.allow, files);
  refuseProblems(files.problems);
  const id = values.id ?? hostname();
  const { instances, bytes, probes: underWay, probeRate } = values.limits;
  const watcher: WatcherOptions = {
    id,
    keys: space,
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
    space,
    filesRead,
    watcher,
    nginx,
    probes: new Map(probes.map((probe, i) => [probed[i] ?? '', probe])),
    gatewayProbe: gatewayProbe(values.gatewayProbes, id),
    warnings: files.warnings,
  };
}

/** The address of an NGINX whose URL has one; a name is not looked up. */
function literalHost(url: string): Networks {
  if (isUnixUrl(url)) return [];
  const network = parseNetwork(new URL(url).hostname.replace(/^\[|\]$/g, ''));
  return network.ok ? [network.value] : [];
}

function nginxSettings({ label, values }: NginxEntry, files: FileReader): NginxApiOptions {
  const { api, timeout, connections } = values;
  // A socket has no host; what answers there is this one.
  const { host, protocol } = isUnixUrl(api) ? { host: 'localhost', protocol: 'unix:' } : new URL(api);
  const tls = tlsSettings(values, label, files);
  const auth = nginxAuth(values, label, files);
  if (tls && protocol !== 'https:') {
    const reason = `must be an https:// URL where ${label}ca, cert or serverName is given, got ${api}`;
    files.problems.push({ key: `${label}api`, reason });
  }
  if (!isUnixUrl(api)) {
    checkNginxUrl(`${label}api`, api, files);
    if (auth && 'token' in auth) warnOfPlainText(`${label}tokenFile`, api, 'the token', files);
    else if (auth) warnOfPlainText(`${label}passwordFile`, api, 'the password', files);
  }
  const text = (pem: Buffer | undefined) => pem?.toString('utf8');
  return {
    name: values.name ?? host,
    url: api,
    timeout,
    connections,
    ...(tls && {
      tls: defined({
        ca: text(tls.ca),
        cert: text(tls.cert),
        key: text(tls.key),
        serverName: tls.serverName,
      }),
    }),
    ...(auth && { auth }),
  };
}

function nginxAuth(values: NginxEntry['values'], label: string, files: FileReader): NginxAuth | undefined {
  const login = authSettings(values, label, files);
  const token = files.token(`${label}tokenFile`, values.tokenFile);
  if (login && token !== undefined) {
    files.problems.push({
      key: `${label}tokenFile`,
      reason: 'must be left out where username and passwordFile are given: a call carries one of them',
    });
  }
  return login ?? (token === undefined ? undefined : { token });
}

/**
 * A probe of the load balancer goes to whatever address is registered. A credential must not: it takes networks that the
 * instances have to lie in, or a certificate that they have to show.
 */
function checkRecipients(
  { label, values }: WatchConfig['lists']['probes'][number],
  allow: WatchConfig['values']['allow'],
  files: FileReader,
): void {
  const secret = secretOf(values);
  if (secret === undefined || values.target !== undefined) return;
  const limited = Object.hasOwn(allow, values.service) || Object.hasOwn(allow, '*');
  if (limited || (values.tls && !values.insecure)) return;
  const reason = `would be sent to every address that is registered as ${values.service}: name the networks of its instances in allow, or use ${label}tls without insecure`;
  files.problems.push({ key: `${label}${secret}`, reason });
}

function upstreamRule({ values }: UpstreamEntry): UpstreamRule {
  const { service, kind, upstream = service, drainTimeout } = values;
  return { service, kind, upstream, ...defined({ drainTimeout }) };
}

/** Names have to be told apart: reports each that an earlier entry has already. */
function refuseRepeats(
  key: string,
  names: readonly string[],
  entries: readonly { readonly label: string }[],
  files: FileReader,
): void {
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) === i) continue;
    const reason = `must be one that no other entry has, got ${name} again`;
    files.problems.push({ key: `${entries[i]?.label ?? ''}${key}`, reason });
  }
}
