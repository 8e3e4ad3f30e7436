/** What devices are answered at /ota: njs, held to the cases that TypeScript is held to, and to what small clients can read. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../support/certificates.js';
import { startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { ANSWER_CASES, type AnswerCase, EMPTY, FILLED } from '../../support/firmware-answers/index.js';
import { rawRequest } from '../../support/raw-request.js';
import { checkForm, Devices, FILE, type FileServer, startFiles } from './devices.js';
import { edited, type FullGateway, startFullGateway } from './gateway.js';

/** For whatever else the gateway serves. The command runs again when it is started again: the line is changed once. */
const GZIP =
  's|include gateway/http.conf;$|include gateway/http.conf; gzip on; gzip_types *; gzip_min_length 1;|';

let authority: Authority;
let network: TestNetwork;
let gateway: FullGateway;
let server: FileServer;
let devices: Devices;

beforeAll(async () => {
  authority = new Authority();
  network = await startNetwork();
  server = await startFiles(network);
  gateway = await startFullGateway(network, edited(GZIP), {
    environment: { GATEWAY_DEVICE_CERTIFICATES: 'optional' },
    files: { '/etc/sidekick-gateway/devices-ca.crt': authority.ca.toString() },
  });
  devices = new Devices((name) => gateway.port(name), server, authority);
  await gateway.api.call('POST', '/http/upstreams/firmware/servers', { server: server.server });
});

afterAll(async () => {
  await server?.close();
  await network?.remove();
  authority?.[Symbol.dispose]();
});

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

  it.each(ANSWER_CASES.filter((one) => (one.store ?? FILLED) === store))('$name: $status', (one) =>
    devices.checkCase(one),
  );
});

it('answers HEAD like GET, without the body', async () => {
  const given: AnswerCase = { name: '', path: '/ota', query: 'type=toaster', status: 200 };
  const [head, get] = [await devices.ask({ ...given, method: 'HEAD' }), await devices.ask(given)];
  expect(head.status).toBe(200);
  expect(head.body.length).toBe(0);
  expect(head.all('Content-Length')).toEqual(get.all('Content-Length'));
  expect(head.all('Content-Type')).toEqual(['application/json']);
});

it('is never compressed, which would take its length', async () => {
  const headers = { 'Accept-Encoding': 'gzip' };
  for (const target of ['/ota?type=toaster', '/ota?type=kettle', '/ota/toaster/1.2.0.bin']) {
    const answer = await rawRequest({ port: gateway.port('https'), target, headers });
    checkForm(answer);
    expect(answer.body.length).toBeGreaterThan(0);
  }
  const blob = await rawRequest({
    port: gateway.port('https'),
    target: `/blobs/${'2'.repeat(64)}.bin`,
    headers,
  });
  expect(blob.all('Content-Encoding')).toEqual([]);
  expect(blob.body.equals(FILE)).toBe(true);
  // The gateway would compress all else.
  const other = await rawRequest({ port: gateway.port('https'), target: '/other', headers });
  expect(other.all('Content-Encoding')).toEqual(['gzip']);
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
  server.asked.length = 0;
  const given = await rawRequest({
    port: gateway.port('https'),
    target,
    headers: { Range: 'bytes=100-', 'If-Range': '"6b0970c0-4e20"' },
  });
  expect(given.all('Cache-Control')).toEqual(['public, max-age=31536000, immutable']);
  expect(server.asked[0]?.headers).toMatchObject({ range: 'bytes=100-', 'if-range': '"6b0970c0-4e20"' });
});

it('answers while every firmware server is gone, and after a restart with the zone that NGINX kept', async () => {
  const { body } = await gateway.api.get('/http/upstreams/firmware/servers');
  for (const { id } of body) await gateway.api.call('DELETE', `/http/upstreams/firmware/servers/${id}`);
  const given = ANSWER_CASES.filter(({ store, file }) => store === undefined && file === undefined);
  for (const one of given) await devices.checkCase(one);
  await gateway.container.stop();
  await gateway.container.start();
  // Nobody asks the API for the zone: the gateway loads it by itself.
  const [first] = given;
  await until(
    'the zone is loaded',
    async () => first && (await devices.ask(first)).body.toString() === first.body,
  );
  for (const one of given) await devices.checkCase(one);
});
