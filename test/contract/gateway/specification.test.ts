/**
 * Every GET path of the published description of the NGINX Plus API, in every version, with and without a stream block. It
 * returns what the description says (get-paths.json, see derive.ts), or its 404 for what the gateway does not have.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  API_TOKEN,
  type Container,
  OPEN_API,
  startContainer,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { check, SHAPES, type Shape } from './schema.js';

const PATHS = Object.entries(
  JSON.parse(readFileSync(new URL('./get-paths.json', import.meta.url), 'utf8')) as Record<string, Shape>,
);

/** Endpoints that the gateway does not have: licences, zones that several NGINX Plus share, and resolvers. */
const ABSENT = ['/license', '/stream/zone_sync/', '/resolvers/{resolverZoneName}'];

/** The first version with an endpoint, from "Compatibility" in the documentation of ngx_http_api_module. The others are in all. */
const SINCE: Readonly<Record<string, number>> = {
  '/resolvers': 5,
  '/workers': 9,
  '/http/location_zones': 5,
  '/http/limit_conns': 6,
  '/http/limit_reqs': 6,
  '/stream/limit_conns': 6,
  '/stream/keyvals': 2,
};

/** Values of the parameters in paths: all of these exist in {@link CONFIGURATION}. */
const NAMES: Readonly<Record<string, string>> = {
  slabZoneName: 'http_tables',
  httpServerZoneName: 'web',
  httpLocationZoneName: 'files',
  httpCacheZoneName: 'cache',
  httpLimitConnZoneName: 'connections',
  httpLimitReqZoneName: 'rate',
  httpUpstreamName: 'firmware',
  httpUpstreamServerId: '0',
  httpKeyvalZoneName: 'catalogue',
  streamServerZoneName: 'sessions',
  streamLimitConnZoneName: 'clients',
  streamUpstreamName: 'mqtt',
  streamUpstreamServerId: '0',
  streamKeyvalZoneName: 'devices',
  resolverZoneName: 'resolver',
  workerId: '0',
};

const HTTP = `
http {
    include gateway/http.conf;
    limit_conn_zone $binary_remote_addr zone=connections:1m;
    limit_req_zone $binary_remote_addr zone=rate:1m rate=100r/s;
    proxy_cache_path /tmp/cache keys_zone=cache:1m;
    server {
        listen 9000;
        set $server_zone web;
        include gateway/server.conf;
        location / {
            set $location_zone files;
            set $limit_conn_zone connections;
            set $limit_req_zone rate;
            set $cache_zone cache;
            limit_conn connections 100;
            limit_req zone=rate burst=100;
            proxy_cache cache;
            set $upstream firmware;
            include gateway/proxy.conf;
        }
    }
    server {
        listen 127.0.0.1:8080;
        include /run/sidekick-gateway/api.conf;
        set $api_write on;
        include gateway/api.conf;
    }
}
`;

const STREAM = `
stream {
    include gateway/stream.conf;
    limit_conn_zone $binary_remote_addr zone=clients:1m;
    server {
        listen 9001;
        set $server_zone sessions;
        set $limit_conn_zone clients;
        limit_conn clients 100;
        set $upstream mqtt;
        include gateway/tcp.conf;
    }
}
`;

const MAIN = `
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
load_module /usr/lib/nginx/modules/ngx_stream_js_module.so;
user www-data;
worker_processes 2;
pid /run/sidekick-gateway/nginx.pid;
error_log /dev/stderr notice;
events {}
`;

const GROUPS = {
  http: { upstreams: { firmware: {} }, keyvals: { catalogue: {} } },
  stream: { upstreams: { mqtt: {} }, keyvals: { devices: {} } },
};

let network: TestNetwork;

beforeAll(async () => {
  network = await startNetwork();
});

afterAll(async () => {
  await network?.remove();
});

const apiOf = (container: Container) => `http://127.0.0.1:${container.port(8080)}/api`;

async function start(name: string, stream: string): Promise<Container> {
  return startContainer({
    image: 'sidekick-gateway',
    name,
    network,
    environment: OPEN_API.environment,
    files: {
      ...OPEN_API.files,
      '/etc/nginx/nginx.conf': MAIN + HTTP + stream,
      '/etc/nginx/gateway.json': JSON.stringify(stream === '' ? { http: GROUPS.http } : GROUPS),
    },
    ports: [8080, 9000, 9001],
    ready: (self) => until(`${name} answers`, async () => (await fetch(`${apiOf(self)}/`)).ok),
  });
}

async function add(container: Container, group: string): Promise<void> {
  const response = await fetch(`${apiOf(container)}/9/${group}/servers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ server: '10.9.9.9:80', down: true }),
  });
  expect(response.status).toBe(201);
}

/** Whether an endpoint lists a name: zones appear with their first request. */
async function lists(container: Container, path: string, name: string): Promise<boolean> {
  return name in ((await (await fetch(`${apiOf(container)}/9${path}`)).json()) as object);
}

/** The start of a path that a version may not have. */
const endpointOf = (path: string) =>
  path
    .split('/')
    .slice(0, /^\/(http|stream)\//.test(path) ? 3 : 2)
    .join('/');

describe.each([
  ['with a stream block', STREAM],
  ['without one', ''],
])('%s, a GET', (name, stream) => {
  let container: Container;

  beforeAll(async () => {
    container = await start(stream === '' ? 'http-only' : 'gateway', stream);
    await add(container, 'http/upstreams/firmware');
    expect((await fetch(`http://127.0.0.1:${container.port(9000)}/`)).status).toBe(502);
    await until('its zones are counted', () => lists(container, '/http/caches', 'cache'));
    if (stream === '') return;
    await add(container, 'stream/upstreams/mqtt');
    net
      .connect(container.port(9001), '127.0.0.1')
      .on('error', () => {})
      .write('x');
    await until('the session is counted', () => lists(container, '/stream/limit_conns', 'clients'));
  });

  function isPresent(path: string, version: number): boolean {
    if (ABSENT.includes(path) || (stream === '' && path.startsWith('/stream'))) return false;
    return version >= (SINCE[endpointOf(path)] ?? 1);
  }

  it.each(PATHS)(
    `the answer for %s agrees with the specification in every version, ${name}`,
    async (path, shape) => {
      const target = path.replace(/\{(\w+)\}/g, (_, parameter: string) => NAMES[parameter] as string);
      const checkVersion = async (version: number) => {
        const response = await fetch(`${apiOf(container)}/${version}${target}`);
        const body: unknown = await response.json();
        const present = isPresent(path, version);
        expect([version, response.status], JSON.stringify(body)).toEqual([version, present ? 200 : 404]);
        expect(check(body, present ? shape : SHAPES.error), `version ${version}`).toEqual([]);
      };
      await Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9].map(checkVersion));
    },
  );
});
