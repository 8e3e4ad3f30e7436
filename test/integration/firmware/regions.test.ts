/**
 * Two regions: their firmware servers with a sidekick each, a watcher, an etcd and a gateway with a group for each region, and
 * devices whose region is what their server name says, or else what they say themselves.
 */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { rawRequest } from '../../support/raw-request.js';
import { hostAddress } from '../gateway/backends.js';
import { type FullGateway, startFullGateway } from '../gateway/gateway.js';
import { type FirmwareServer, FirmwareServers, order, publish } from './firmware-server.js';
import { ORIGIN } from './in-process.js';

/** What docs/firmware.md says of the gateway's configuration. */
const GROUPS = 's|"firmware": \\{\\},|"firmware": {}, "firmware-eu": {}, "firmware-us": {},|';
const NAMES =
  's|(include gateway/http.conf;)|\\1 map $ssl_server_name $region { default $arg_region; eu.ota.example.com eu; }|';
const REGION = 's|(include gateway/ota.conf;)|set $firmware_region $region; \\1|';
const COMMAND = [
  ...['sh', '-c'],
  `sed -Ei "$1" /etc/nginx/gateway.json && sed -Ei "$2; $3" /etc/nginx/nginx.conf && exec nginx -g "daemon off;"`,
  ...['sh', GROUPS, NAMES, REGION],
];

const SLOW = { timeoutMs: 60_000 };

let network: TestNetwork;
let gateway: FullGateway;
let servers: FirmwareServers;

beforeAll(async () => {
  network = await startNetwork();
  [servers, gateway] = await Promise.all([
    FirmwareServers.start(network),
    startFullGateway(network, COMMAND),
  ]);
});
afterAll(async () => {
  servers?.close();
  await network?.remove();
});

async function join(region: string): Promise<FirmwareServer> {
  const { server } = await servers.join(await hostAddress(network), '--firmware-region', region);
  return server;
}

/** A group as NGINX has it. */
async function group(name: string): Promise<readonly string[]> {
  const { body } = await gateway.api.get(`/http/upstreams/${name}/servers`);
  return (body as readonly { server: string }[]).map(({ server }) => server);
}

interface Asked {
  readonly region?: string;
  /** The name by which the device asks for the gateway. */
  readonly servername?: string;
}

/** The file that a device is told of; undefined: nothing new. */
async function told({ region, servername = 'ota.example.com' }: Asked): Promise<URL | undefined> {
  const target = `/ota?type=lamp&id=one&version=0.1.0${region === undefined ? '' : `&region=${region}`}`;
  const { status, body } = await rawRequest({ port: gateway.port('https'), target, tls: { servername } });
  if (status !== 200) return undefined;
  const { url } = JSON.parse(body.toString()) as { url?: string };
  return url === undefined ? undefined : new URL(url);
}

/** The content of a file. */
async function fetched(url: URL | undefined): Promise<string> {
  expect(url?.origin).toBe(ORIGIN);
  const target = `${url?.pathname}${url?.search}`;
  const answer = await rawRequest({
    port: gateway.port('https'),
    target,
    tls: { servername: 'ota.example.com' },
  });
  return answer.status === 200 ? answer.body.toString() : `${answer.status}`;
}

it("gives a device its region's firmware, from its region's servers", async () => {
  const [eu, us] = [await join('eu'), await join('us')];
  servers.watch(`http://127.0.0.1:${gateway.port('api')}/api`, `${await hostAddress(network)}/32`);
  await until(
    'each region has its server',
    async () =>
      (await group('firmware')).length === 2 &&
      (await group('firmware-eu')).includes(eu.address) &&
      (await group('firmware-us')).includes(us.address),
    SLOW,
  );
  const { repository } = servers;
  const everywhere = await publish(repository, 'lamp', '1.0.0', us);
  const forEu = await publish(repository, 'lamp@eu', '1.1.0', us);
  await order(repository, 'lamp', { version: '1.0.0', percent: 100 });
  await order(repository, 'lamp@eu', { version: '1.1.0', percent: 100 });

  // The server of the region has fetched it, from the one that it was uploaded to.
  const sha256 = async (asked: Asked) =>
    (await told(asked))?.pathname.slice('/blobs/'.length, -'.bin'.length);
  await until('it is offered in eu', async () => (await sha256({ region: 'eu' })) === forEu, SLOW);
  await until('the other one is offered elsewhere', async () => (await sha256({})) === everywhere, SLOW);
  expect(existsSync(eu.file(forEu))).toBe(true);
  expect(await sha256({ region: 'us' })).toBe(everywhere);

  // The server name counts, whatever the device says.
  expect(await sha256({ servername: 'eu.ota.example.com' })).toBe(forEu);
  expect(await sha256({ servername: 'eu.ota.example.com', region: 'us' })).toBe(forEu);

  const only = async (server: FirmwareServer, other: FirmwareServer, asked: Asked) => {
    const url = await told(asked);
    other.asked.length = 0;
    for (let i = 0; i < 4; i++) expect(await fetched(url)).toMatch(/^firmware lamp/);
    expect(other.asked).toEqual([]);
    expect(server.asked.length).toBeGreaterThanOrEqual(4);
  };
  await only(eu, us, { region: 'eu' });
  await only(us, eu, { region: 'us' });

  // What is for every region comes from another region while the region's own server is gone.
  const url = await told({ region: 'us' });
  servers.end(us);
  expect(await fetched(url)).toBe('firmware lamp 1.0.0');
});
