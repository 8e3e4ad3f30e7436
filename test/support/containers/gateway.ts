/** The gateway: NGINX with our njs modules and the NGINX Plus API. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { KeyPair } from '../certificates.js';
import { type Container, startContainer } from './container.js';
import type { TestNetwork } from './network.js';
import { until } from './until.js';

const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const MQTT_PORT = 1883;
const API_PORT = 8080;

/** The file with {@link API_TOKEN}, for a watcher on the host. */
export const API_TOKEN_FILE = fileURLToPath(new URL('./api.token', import.meta.url));

/** The bearer token that changes need in the gateways of tests and demonstrations. */
export const API_TOKEN = readFileSync(API_TOKEN_FILE, 'utf8').trim();

/** What has a gateway answer its API to the whole network: reads freely, changes with {@link API_TOKEN}. */
export const OPEN_API = {
  environment: { GATEWAY_API_ALLOW: '0.0.0.0/0', GATEWAY_API_READ: 'open' },
  files: { '/etc/sidekick-gateway/api.token': `${API_TOKEN}\n` },
} as const;

/** Groups as the image has them. Tests of the watcher register addresses at which there is nothing, loopback among them. */
const GROUPS = JSON.stringify({
  allow: ['127.0.0.0/8'],
  ...JSON.parse(readFileSync(new URL('../../../docker/gateway/nginx/gateway.json', import.meta.url), 'utf8')),
});

const SMALLER = `sed -Ei "s/_tables:[0-9]+m/_tables:$1/" /etc/nginx/gateway/http.conf && exec nginx -g 'daemon off;'`;

/** A server as the API lists it; the fields that tests look at. */
export interface ListedServer {
  id: number;
  server: string;
  weight?: number;
  down?: boolean;
  drain?: boolean;
  backup?: boolean;
}

/** A peer as the API's status shows it. */
export interface ListedPeer {
  id: number;
  server: string;
  state: string;
  active: number;
}

export interface Gateway {
  readonly container: Container;
  /** The NGINX Plus API, without a version, for clients on the host. */
  readonly api: string;
  /** The same for clients on the network. */
  readonly endpoint: string;
  /** The public HTTP port, on the host. */
  readonly httpUrl: string;
  /** The public HTTPS port, on the host. */
  readonly httpsPort: number;
  /** The public MQTT port, on the host. */
  readonly mqttPort: number;
  /** The servers of an upstream group. */
  servers(kind: 'http' | 'stream', upstream: string): Promise<ListedServer[]>;
  /** The peers of an upstream group, with their state and what they have under way. */
  peers(kind: 'http' | 'stream', upstream: string): Promise<ListedPeer[]>;
}

async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** The gateway's own certificate, in the files that it takes it from. */
function tlsFiles({ cert, key }: KeyPair): Record<string, string> {
  return {
    '/etc/sidekick-gateway/tls.crt': cert.toString(),
    '/etc/sidekick-gateway/tls.key': key.toString(),
  };
}

/**
 * Starts a gateway, named `gateway` unless told otherwise. Its http groups have `memory`, as NGINX writes sizes
 * (default: that of the image; at least `32k`, which is room for some servers). `certificate` is for its TLS ports; default
 * one that it makes itself.
 */
export async function startGateway(
  network: TestNetwork,
  name = 'gateway',
  { memory, certificate }: { readonly memory?: string; readonly certificate?: KeyPair } = {},
): Promise<Gateway> {
  const container = await startContainer({
    image: 'sidekick-gateway',
    name,
    network,
    ...OPEN_API,
    files: {
      ...OPEN_API.files,
      '/etc/nginx/gateway.json': GROUPS,
      ...(certificate && tlsFiles(certificate)),
    },
    ...(memory !== undefined && { command: ['sh', '-c', SMALLER, 'sh', memory] }),
    ports: [HTTP_PORT, HTTPS_PORT, MQTT_PORT, API_PORT],
    ready: (self) => until(`${name} answers`, () => getJson(`http://127.0.0.1:${self.port(API_PORT)}/api/`)),
  });
  const api = `http://127.0.0.1:${container.port(API_PORT)}/api`;
  return {
    container,
    api,
    endpoint: `http://${name}:${API_PORT}/api`,
    httpUrl: `http://127.0.0.1:${container.port(HTTP_PORT)}`,
    httpsPort: container.port(HTTPS_PORT),
    mqttPort: container.port(MQTT_PORT),
    servers: (kind, upstream) => getJson(`${api}/9/${kind}/upstreams/${upstream}/servers`),
    peers: async (kind, upstream) =>
      (await getJson<{ peers: ListedPeer[] }>(`${api}/9/${kind}/upstreams/${upstream}`)).peers,
  };
}
