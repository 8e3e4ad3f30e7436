/**
 * How long a device waits while firmware servers fail, which is told by the tries that are made: at most 1 s for a server that
 * accepts no connection, 2 s for one that never answers, and none that begins after 2.5 s.
 */
import { randomBytes } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../support/certificates.js';
import { type Container, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { FILLED } from '../../support/firmware-answers/index.js';
import { type RawAnswer, rawRequest } from '../../support/raw-request.js';
import { type Backend, hostAddress, startHttp, subnetOf } from './backends.js';
import { checkForm, FILE, type FileServer, startFiles } from './devices.js';
import { type FullGateway, startFullGateway } from './gateway.js';
import { startPlus, zoneMap } from './nginx-plus.js';

const HTTPS = 443;
const BLOB = `/blobs/${'2'.repeat(64)}.bin`;

let authority: Authority;
let network: TestNetwork;
let subnet: string;
let good: FileServer;
/** They accept connections, and never answer. */
const hung: Backend[] = [];
/** They have none of the files, as after a new installation. */
const bare: Backend[] = [];
/** Fails with every file. */
let broken: Backend;

beforeAll(async () => {
  authority = new Authority();
  network = await startNetwork();
  subnet = await subnetOf(network);
  const host = await hostAddress(network);
  good = await startFiles(network);
  for (let i = 0; i < 3; i++) hung.push(await startHttp(host, () => {}));
  for (let i = 0; i < 2; i++)
    bare.push(await startHttp(host, (_, response) => response.writeHead(404).end('none')));
  broken = await startHttp(host, (_, response) => response.writeHead(500).end('broken'));
});

afterAll(async () => {
  for (const server of [good, ...hung, ...bare, broken]) await server?.close();
  await network?.remove();
  authority?.[Symbol.dispose]();
});

let nobody = 0;

/** The addresses of servers. */
function of(servers: readonly Backend[]): string[] {
  return servers.map(({ server }) => server);
}

/** An address that nobody has, another one each time: what is sent to it is not answered. */
function silent(): string {
  const bytes = ipaddr.IPv4.broadcastAddressFromCIDR(subnet).toByteArray();
  nobody++;
  return `${[...bytes.slice(0, 3), 254 - nobody].join('.')}:8080`;
}

/** An NGINX with firmware servers, of which one is a spare: it is asked when the others have failed. */
interface Front {
  readonly container: Container;
  readonly port: number;
}

interface Given {
  readonly answer: RawAnswer;
  /** What each try came to. */
  readonly tries: readonly string[];
}

/** Asks for something, and reads in the log which tries were made. */
async function ask(
  front: Front,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Given> {
  const mark = randomBytes(8).toString('hex');
  const marked = `${target}${target.includes('?') ? '&' : '?'}mark=${mark}`;
  const answer = await rawRequest({ port: front.port, target: marked, headers });
  const line = await front.container.logs.waitFor(new RegExp(`mark=${mark} HTTP/1.1" \\d`));
  const [, statuses = ''] = /"[^"]*" "([^"]*)"(?: [\d.]+)?$/.exec(line) ?? [];
  return { answer, tries: statuses.split(/ : |, /) };
}

let gateway: FullGateway;

async function onGateway(servers: readonly string[], spare: string): Promise<Front> {
  const path = '/http/upstreams/firmware/servers';
  for (const { id } of (await gateway.api.get(path)).body) await gateway.api.call('DELETE', `${path}/${id}`);
  const all = [...servers.map((server) => ({ server })), { server: spare, backup: true }];
  for (const one of all) {
    const { status } = await gateway.api.call('POST', path, { ...one, max_fails: 0 });
    expect(status).toBe(201);
  }
  return { container: gateway.container, port: gateway.port('https') };
}

let started = 0;
let plus: Container | undefined;

afterEach(async () => {
  await plus?.remove();
  plus = undefined;
});

async function onPlus(servers: readonly string[], spare: string): Promise<Front> {
  plus = await startPlus(network, {
    name: `plus-${started++}`,
    tls: authority.issue('ota.example.com'),
    ports: [HTTPS],
    firmware: [...servers.map((server) => `${server} max_fails=0`), `${spare} max_fails=0 backup`],
    files: { 'firmware.map': zoneMap(FILLED) },
  });
  return { container: plus, port: plus.port(HTTPS) };
}

describe.each([
  ['the gateway', onGateway],
  ['NGINX Plus', onPlus],
])('a device before %s', (name, serve) => {
  beforeAll(async () => {
    if (name !== 'the gateway') return;
    gateway = await startFullGateway(network);
    const { status } = await gateway.api.call('POST', '/http/keyvals/firmware', Object.fromEntries(FILLED));
    expect(status).toBe(201);
  });

  it.each([
    ['one that accepts no connection', () => [silent()], ['504', '200']],
    ['two that accept no connection', () => [silent(), silent()], ['504', '504', '200']],
    ['one that never answers', () => of(hung.slice(2)), ['504', '200']],
    ['one without the file', () => of(bare.slice(1)), ['404', '200']],
    ['one that fails', () => [broken.server], ['500', '200']],
  ])('is sent the file behind %s', async (_, servers, tries) => {
    const given = await ask(await serve(servers(), good.server), BLOB);
    expect(given.tries).toEqual(tries);
    expect(given.answer.status).toBe(200);
    expect(given.answer.body.equals(FILE)).toBe(true);
    expect(given.answer.all('Cache-Control')).toEqual(['public, max-age=31536000, immutable']);
  });

  it('is sent what /ota names in the same form by the second server', async () => {
    const headers = { 'x-ESP32-STA-MAC': '24:6F:28:AA:BB:CE', 'x-ESP32-free-space': '1310720' };
    const given = await ask(await serve(of(bare.slice(1)), good.server), '/ota?type=toaster', headers);
    expect(given.tries).toEqual(['404', '200']);
    expect(given.answer.status).toBe(200);
    checkForm(given.answer);
    expect(given.answer.all('x-MD5')).toEqual(['2'.repeat(32)]);
    expect(given.answer.body.equals(FILE)).toBe(true);
  });

  it.each([
    ['accept no connection', () => [silent(), silent(), silent(), silent()], ['504', '504', '504']],
    ['never answer', () => of(hung), ['504', '504']],
    ['have no such file', () => of(bare), ['404', '404']],
  ])('is told so where all servers %s', async (_, servers, tries) => {
    const [spare = '', ...others] = servers();
    const given = await ask(await serve(others, spare), BLOB);
    expect(given.tries).toEqual(tries);
    expect(given.answer.status).toBe(Number(tries[0]));
    expect(given.answer.body.toString()).not.toContain('{');
  });
});
