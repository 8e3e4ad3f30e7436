/** What NGINX counts of devices that are offered a candidate: on the gateway, and by the configuration for NGINX Plus. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CatalogueOptions,
  encode,
  noOptions,
  type Offer,
  READY_KEY,
  regionSlotsKey,
  SLOTS_KEY,
  typeKey,
} from '../../../src/firmware/shared/catalogue.js';
import { Authority } from '../../support/certificates.js';
import {
  type Container,
  startBroker,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { type RawAnswer, rawRequest } from '../../support/raw-request.js';
import { type Backend, hostAddress, startHttp } from './backends.js';
import { checkForm, FILE } from './devices.js';
import { startFullGateway } from './gateway.js';
import { startPlus, zoneMap } from './nginx-plus.js';

const ETAG = '"6b0970c0-4e20"';
const SLOTS = 3;
/** Bytes per second of the type `slow`: its file takes two seconds. */
const RATE = FILE.length / 2;

function offer(type: string, version: string, digit: string): Offer {
  const sha256 = digit.repeat(64);
  const path = `/blobs/${sha256}.bin`;
  return {
    ...{ version, sha256, md5: digit.repeat(32), size: FILE.length, appSha256: '' },
    esp32fota: `{"type":"${type}","version":"${version}","url":"https://ota.example.com${path}"}`,
    esphome: '',
  };
}

function catalogue(type: string, options: Partial<CatalogueOptions>): [string, string] {
  const value = encode({
    ...{ revision: 1, buckets: 10_000, salt: 's', downgrade: false, groups: [] },
    options: { ...noOptions(), ...options },
    stable: offer(type, '1.0.0', 'a'),
    candidate: offer(type, '1.1.0', 'b'),
  });
  return [typeKey(type), value];
}

const ZONE = new Map([
  [READY_KEY, '1'],
  [SLOTS_KEY, String(SLOTS)],
  [regionSlotsKey('eu'), '1'],
  catalogue('lamp', { count: true, interval: 1_000_000 }),
  catalogue('fan', { count: true, interval: 1 }),
  catalogue('slow', { count: true, rate: RATE }),
  catalogue('plain', {}),
  catalogue('radio', { count: true, interval: 1_000_000, clientId: '{id}' }),
]);

/** Downloads that have begun, and wait for the rest of their file. */
const held: ServerResponse[] = [];
let isHolding = false;
/** What is in its files. */
let content = FILE;

/** A firmware server that sends ranges as NGINX does, and half of a file while it is holding. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const [first, last] = [Number(from), to === '' ? content.length - 1 : Number(to)];
  const part = content.subarray(first, last + 1);
  response.setHeader('ETag', ETAG);
  response.setHeader('Content-Length', part.length);
  response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
  if (request.headers.range !== undefined) {
    response.statusCode = 206;
    response.setHeader('Content-Range', `bytes ${first}-${last}/${content.length}`);
  }
  if (isHolding) {
    response.write(part.subarray(0, part.length / 2));
    held.push(response);
  } else response.end(request.method === 'HEAD' ? undefined : part);
}

interface Front {
  readonly container: Container;
  readonly port: number;
  /** The id of a device that says no version, and its connection to MQTT. */
  readonly radio: string;
  connectMqtt(): Promise<void>;
}

let authority: Authority;
let network: TestNetwork;
let server: Backend;

beforeAll(async () => {
  authority = new Authority();
  network = await startNetwork();
  server = await startHttp(await hostAddress(network), serve);
});

afterAll(async () => {
  await server?.close();
  await network?.remove();
  authority?.[Symbol.dispose]();
});

async function onGateway(): Promise<Front> {
  const gateway = await startFullGateway(network);
  const { container, api } = gateway;
  await api.call('POST', '/http/upstreams/firmware/servers', { server: server.server });
  await api.call('POST', '/http/keyvals/firmware', Object.fromEntries(ZONE));
  const broker = await startBroker(network, 1);
  await api.call('POST', '/stream/upstreams/mqtt/servers', { server: broker.address });
  const radio = 'radio-1';
  const connectMqtt = async () => {
    const url = `mqtt://127.0.0.1:${gateway.port('mqtt')}`;
    const client = await connectAsync(url, { clientId: radio, reconnectPeriod: 0 });
    await client.endAsync();
  };
  return { container, port: gateway.port('https'), radio, connectMqtt };
}

async function onPlus(): Promise<Front> {
  const container = await startPlus(network, {
    ...{ name: 'plus', tls: authority.issue('ota.example.com'), ports: [443, 1883] },
    firmware: [server.server],
    files: { 'firmware.map': zoneMap(ZONE) },
  });
  const { output } = await container.exec(['hostname']);
  const connectMqtt = async () => {
    const socket = connectTcp(container.port(1883), '127.0.0.1');
    // There is no broker.
    socket.on('error', () => {});
    await once(socket, 'close');
  };
  return { container, port: container.port(443), radio: output.trim(), connectMqtt };
}

interface Report {
  readonly epoch: string;
  readonly flights: number;
  readonly downloads: number;
  readonly counts: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;
}

const FETCH =
  'exec 3<>/dev/tcp/127.0.0.1/8080 && printf "GET /firmware/outcomes HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n" >&3 && cat <&3';

describe.each([
  ['the gateway', onGateway],
  ['NGINX Plus', onPlus],
])('%s', (_, start) => {
  let front: Front;

  beforeAll(async () => {
    front = await start();
    await until('devices are followed', async () =>
      (await ask('lamp', 'first', '1.0.0')).includes('device='),
    );
  });

  function get(
    target: string,
    headers: Readonly<Record<string, string>> = {},
    method = 'GET',
  ): Promise<RawAnswer> {
    return rawRequest({ port: front.port, target, headers, method });
  }

  /** Asks for a manifest, and checks its form. */
  async function ask(type: string, id: string, version: string): Promise<string> {
    const answer = await get(`/ota?type=${type}&id=${id}&version=${version}`);
    checkForm(answer);
    return answer.body.toString();
  }

  /** Asks, and returns the path of the file that the device is to fetch. */
  async function told(type: string, id: string): Promise<string> {
    const { url } = JSON.parse(await ask(type, id, '1.0.0')) as { url: string };
    return url.replace('https://ota.example.com', '');
  }

  async function report(): Promise<Report> {
    const { output } = await front.container.exec(['bash', '-c', FETCH]);
    return JSON.parse(output.slice(output.indexOf('\r\n\r\n'))) as Report;
  }

  async function count(type: string, outcome: string): Promise<number> {
    return (await report()).counts[type]?.['1.1.0']?.[outcome] ?? 0;
  }

  /** Waits until an outcome was counted once more than `before`. */
  async function countedOnce(type: string, outcome: string, before: number): Promise<void> {
    await until(`${outcome} is counted`, async () => (await count(type, outcome)) > before);
    expect(await count(type, outcome)).toBe(before + 1);
  }

  it('counts what a device does, from the offer to its first question with the new version', async () => {
    const before = (await report()).counts.lamp?.['1.1.0'] as Record<string, number>;
    const path = await told('lamp', 'one');
    expect(path).toBe(`/blobs/${'b'.repeat(64)}.bin?device=lamp/one`);
    const given = await get(path);
    expect(given.body.equals(FILE)).toBe(true);
    expect(given.all('ETag')).toEqual([ETAG]);
    expect(given.all('Cache-Control')).toEqual(['public, max-age=31536000, immutable']);
    await countedOnce('lamp', 'downloaded', before.downloaded as number);
    await ask('lamp', 'one', '1.1.0');
    await countedOnce('lamp', 'booted', before.booted as number);
    await ask('lamp', 'one', '1.1.0');
    expect(await count('lamp', 'offered')).toBe((before.offered as number) + 1);
    expect(await count('lamp', 'booted')).toBe((before.booted as number) + 1);
  });

  it('counts a file that /ota itself sends, and a device that asks with its old version afterwards', async () => {
    const before = await count('lamp', 'downloaded');
    const given = await get('/ota/image?type=lamp&id=two&version=1.0.0');
    checkForm(given);
    expect(given.body.equals(FILE)).toBe(true);
    await countedOnce('lamp', 'downloaded', before);
    const failed = await count('lamp', 'failed');
    await ask('lamp', 'two', '1.0.0');
    await countedOnce('lamp', 'failed', failed);
  });

  it('counts the last of several ranges, but no other part, no HEAD and no file of somebody else', async () => {
    const before = await count('lamp', 'downloaded');
    const path = await told('lamp', 'three');
    await get(path, {}, 'HEAD');
    await get(path.replace('three', 'nobody'));
    await get(path.replace('bbbb', 'aaaa'));
    const first = await get(path, { Range: 'bytes=0-9999' });
    expect(first.status).toBe(206);
    expect(first.body.length).toBe(10_000);
    await until('the downloads are over', async () => (await report()).downloads === 0);
    expect(await count('lamp', 'downloaded')).toBe(before);
    const rest = await get(path, { Range: 'bytes=10000-', 'If-Range': ETAG });
    expect(rest.all('Content-Range')).toEqual(['bytes 10000-19999/20000']);
    await countedOnce('lamp', 'downloaded', before);
  });

  it('counts no download that a device breaks off', async () => {
    const before = await count('lamp', 'downloaded');
    const path = await told('lamp', 'four');
    // More than the kernel takes from NGINX before the device has read it.
    content = Buffer.alloc(32_000_000);
    const socket = connect({ host: '127.0.0.1', port: front.port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(socket, 'data');
    socket.pause();
    expect((await report()).downloads).toBe(1);
    socket.destroy();
    content = FILE;
    await until('the download is over', async () => (await report()).downloads === 0);
    expect(await count('lamp', 'downloaded')).toBe(before);
  });

  it('tells one more device than it may carry that there is nothing new, and the next one of the release', async () => {
    const paths = await Promise.all(['five', 'six', 'seven'].map((id) => told('plain', id)));
    expect(paths[0]).not.toContain('device=');
    isHolding = true;
    const downloads = paths.map((path) => get(path));
    await until('all slots are taken', async () => (await report()).downloads === SLOTS);
    expect(await ask('plain', 'eight', '1.0.0')).toBe('[]');
    expect((await get('/ota/image?type=plain&id=eight&version=1.0.0')).status).toBe(304);
    isHolding = false;
    for (const response of held.splice(0)) response.end(FILE.subarray(FILE.length / 2));
    for (const given of await Promise.all(downloads)) expect(given.body.equals(FILE)).toBe(true);
    await until('a slot is free', async () => (await ask('plain', 'eight', '1.0.0')).includes('1.1.0'));
    expect((await report()).counts.plain).toBeUndefined();
  });

  it('carries no more for a region than its servers do, and goes on for all others', async () => {
    const ask = (id: string, region: string) =>
      get(`/ota/image?type=plain&id=${id}&version=1.0.0&region=${region}`);
    isHolding = true;
    const download = ask('twelve', 'eu');
    await until('the slot of the region is taken', async () => (await report()).downloads === 1);
    expect((await ask('thirteen', 'eu')).status).toBe(304);
    isHolding = false;
    expect((await ask('fourteen', 'us')).status).toBe(200);
    for (const response of held.splice(0)) response.end(FILE.subarray(FILE.length / 2));
    expect((await download).body.equals(FILE)).toBe(true);
    await until('the region has room', async () => (await ask('thirteen', 'eu')).status === 200);
  });

  it('sends no faster than the rate of the type, whichever way a device asks', async () => {
    const began = performance.now();
    const path = await told('slow', 'nine');
    const answers = await Promise.all([get(path), get('/ota/image?type=slow&id=ten&version=1.0.0')]);
    for (const { body } of answers) expect(body.equals(FILE)).toBe(true);
    // Of two seconds, NGINX sends what is due in the first one at once.
    expect(performance.now() - began).toBeGreaterThan(900);
  });

  it('counts a device that stays silent as lost, and as found when it returns', async () => {
    await get(await told('fan', 'eleven'));
    await countedOnce('fan', 'lost', 0);
    await ask('fan', 'eleven', '1.1.0');
    expect(await count('fan', 'found')).toBe(1);
    expect(await count('fan', 'booted')).toBe(1);
  });

  it('counts a device as booted that never says its version, when its ClientId is back on MQTT', async () => {
    const told = (await get(`/ota?type=radio&id=${front.radio}`)).body.toString();
    const { url } = JSON.parse(told) as { url: string };
    // Before its download that counts for nothing.
    await front.connectMqtt();
    await get(url.replace('https://ota.example.com', ''));
    await countedOnce('radio', 'downloaded', 0);
    expect(await count('radio', 'booted')).toBe(0);
    await until('its ClientId is back', async () => {
      await front.connectMqtt();
      return (await count('radio', 'booted')) === 1;
    });
    await front.connectMqtt();
    expect(await count('radio', 'booted')).toBe(1);
  });

  it('has its counts and the devices that were in flight after a reload, and after it was killed', async () => {
    const path = await told('lamp', 'twelve');
    const before = await report();
    expect(before.epoch).toMatch(/^[0-9a-f]{16}$/);
    await front.container.signal('SIGHUP');
    await front.container.logs.waitFor(/worker process \d+ exited with code 0/);
    expect(await report()).toMatchObject({ epoch: before.epoch, counts: before.counts });
    await get(path);
    await countedOnce('lamp', 'downloaded', before.counts.lamp?.['1.1.0']?.downloaded as number);
    const { counts } = await report();
    await front.container.kill();
    await front.container.start();
    await until(
      'it answers',
      async () => (await report().catch(() => undefined))?.flights === before.flights,
    );
    await until('the zone is loaded', async () => (await ask('lamp', 'twelve', '1.1.0')) !== '[]');
    const after = await report();
    expect(after.epoch).toBe(before.epoch);
    const { booted = 0, ...others } = counts.lamp?.['1.1.0'] ?? {};
    expect(after.counts.lamp?.['1.1.0']).toEqual({ ...others, booted: booted + 1 });
  });
});
