/** What devices are answered at /ota: njs, held to the cases that TypeScript is held to, and to what small clients can read. */
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority, type KeyPair } from '../../support/certificates.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { ANSWER_CASES, type AnswerCase, EMPTY, FILLED } from '../../support/firmware-answers.js';
import { type RawAnswer, rawRequest } from '../../support/raw-request.js';
import { type Backend, hostAddress, startHttp } from './backends.js';
import { edited, type FullGateway, startFullGateway } from './gateway.js';

const CA = '/etc/nginx/devices.crt';
const FILE = Buffer.alloc(20_000, 0xe9);

let authority: Authority;
let network: TestNetwork;
let gateway: FullGateway;
let server: Backend;
/** What the firmware server was asked for. */
const asked: IncomingMessage[] = [];
const certificates = new Map<string, KeyPair>();

beforeAll(async () => {
  authority = new Authority();
  for (const name of ANSWER_CASES.flatMap(({ certificate }) => certificate ?? [])) {
    if (!certificates.has(name)) certificates.set(name, authority.issue(name));
  }
  network = await startNetwork();
  server = await startHttp(await hostAddress(network), (request, response) => {
    asked.push(request);
    response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
    response.setHeader('Content-Length', FILE.length);
    response.end(request.method === 'HEAD' ? undefined : FILE);
  });
  const checked = `ssl_verify_client optional; ssl_client_certificate ${CA};`;
  gateway = await startFullGateway(
    network,
    // The command runs again when the container is started again: the line is changed once.
    edited(`s|include gateway/tls.conf;$|include gateway/tls.conf; ${checked}|`),
    { files: { [CA]: authority.ca.toString() } },
  );
  await gateway.api.call('POST', '/http/upstreams/firmware/servers', { server: server.server });
});

afterAll(async () => {
  await server?.close();
  await network?.remove();
  authority?.[Symbol.dispose]();
});

async function ask(one: AnswerCase): Promise<RawAnswer> {
  const https = one.https ?? true;
  return rawRequest({
    port: gateway.port(https ? 'https' : 'http'),
    https,
    target: `${one.path}${one.query ? `?${one.query}` : ''}`,
    ...(one.method ? { method: one.method } : {}),
    ...(one.headers ? { headers: one.headers } : {}),
    ...certificates.get(one.certificate ?? ''),
  });
}

/** What every answer keeps to: small clients read no chunks, follow no redirects, and have 512 bytes for a line. */
function checkForm(answer: RawAnswer, method = 'GET'): void {
  expect(answer.all('Transfer-Encoding')).toEqual([]);
  expect(answer.all('Content-Encoding')).toEqual([]);
  expect(answer.all('Location')).toEqual([]);
  expect(answer.all('Cache-Control')).toEqual(['no-store']);
  for (const line of answer.lines) expect(line.length).toBeLessThan(512);
  if (answer.status === 304) return;
  expect(answer.all('Content-Length')).toHaveLength(1);
  const length = method === 'HEAD' ? 0 : Number(answer.all('Content-Length')[0]);
  expect(answer.body.length).toBe(length);
}

async function checkCase(one: AnswerCase): Promise<void> {
  asked.length = 0;
  const answer = await ask(one);
  expect(answer.status).toBe(one.status);
  checkForm(answer, one.method);
  expect(answer.all('x-MD5')).toEqual(one.md5 === undefined ? [] : [one.md5]);
  expect(asked.map(({ method, url }) => [method, url])).toEqual(
    one.file ? [[one.method ?? 'GET', one.file]] : [],
  );
  if (one.file && one.method !== 'HEAD') expect(answer.body.equals(FILE)).toBe(true);
  if (one.body !== undefined) expect(answer.body.toString()).toBe(one.body);
}

/** The zone is filled in one request, as long as it is empty. */
async function fill(values: ReadonlyMap<string, string>): Promise<void> {
  await gateway.api.call('DELETE', '/http/keyvals/firmware');
  if (values.size === 0) return;
  const { status } = await gateway.api.call('POST', '/http/keyvals/firmware', Object.fromEntries(values));
  expect(status).toBe(201);
}

describe.each([
  ['that is not filled yet', EMPTY],
  ['that is filled', FILLED],
])('a gateway %s', (_, store) => {
  beforeAll(() => fill(store));

  it.each(ANSWER_CASES.filter((one) => (one.store ?? FILLED) === store))('$name: $status', checkCase);
});

it('answers HEAD like GET, without the body', async () => {
  const given: AnswerCase = { name: '', path: '/ota', query: 'type=toaster', status: 200 };
  const [head, get] = [await ask({ ...given, method: 'HEAD' }), await ask(given)];
  expect(head.status).toBe(200);
  expect(head.body.length).toBe(0);
  expect(head.all('Content-Length')).toEqual(get.all('Content-Length'));
  expect(head.all('Content-Type')).toEqual(['application/json']);
});

it('answers HTTP/1.0, which HTTPUpdate speaks, with the whole file', async () => {
  const answer = await rawRequest({
    port: gateway.port('https'),
    target: '/ota?type=toaster',
    version: '1.0',
    headers: { 'x-ESP32-STA-MAC': '24:6F:28:AA:BB:CE', 'x-ESP32-free-space': '1310720' },
  });
  expect(answer.status).toBe(200);
  checkForm(answer);
  expect(answer.body.equals(FILE)).toBe(true);
});

it('serves files over https only, and forwards the headers for caching and resuming', async () => {
  const target = `/blobs/${'2'.repeat(64)}.bin`;
  const plain = await rawRequest({ port: gateway.port('http'), https: false, target });
  expect(plain.status).toBe(403);
  expect(plain.body.toString()).toBe('error: firmware is served over https only\n');
  asked.length = 0;
  const given = await rawRequest({
    port: gateway.port('https'),
    target,
    headers: { Range: 'bytes=100-', 'If-Range': '"6b0970c0-4e20"' },
  });
  expect(given.all('Cache-Control')).toEqual(['public, max-age=31536000, immutable']);
  expect(asked[0]?.headers).toMatchObject({ range: 'bytes=100-', 'if-range': '"6b0970c0-4e20"' });
});

it('answers while every firmware server is gone, and after a restart with the zone that NGINX kept', async () => {
  const { body } = await gateway.api.get('/http/upstreams/firmware/servers');
  for (const { id } of body) await gateway.api.call('DELETE', `/http/upstreams/firmware/servers/${id}`);
  const given = ANSWER_CASES.filter(({ store, file }) => store === undefined && file === undefined);
  for (const one of given) await checkCase(one);
  await gateway.container.stop();
  await gateway.container.start();
  // Nobody asks the API for the zone: the gateway loads it by itself.
  const [first] = given;
  await until('the zone is loaded', async () => first && (await ask(first)).body.toString() === first.body);
  for (const one of given) await checkCase(one);
});
