/** The simulated devices: held to what their libraries do, by a site that answers as NGINX does, and by one that does not. */
import { createHash, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderCatalogue } from '../../../../src/firmware/catalogue.js';
import type { Release } from '../../../../src/firmware/release.js';
import type { Rollout } from '../../../../src/firmware/rollout.js';
import { answer } from '../../../../src/firmware/shared/answer.js';
import { READY_KEY } from '../../../../src/firmware/shared/catalogue.js';
import { Authority } from '../../../support/certificates.js';
import { chooseUrl, decimalId } from '../../../support/devices/esp32-fota.js';
import {
  boot,
  type Device,
  Esp32Fota,
  EspHome,
  EspHttpsOta,
  type Firmware,
  Fleet,
  HttpUpdate,
  manyDevices,
  Site,
} from '../../../support/devices/index.js';
import { appImage, rsaKey, withSignature } from '../../../support/firmware-image.js';

const AUTHOR = { by: 'ci@build1', at: '2026-11-27T12:00:00.000Z' };
const MAC = '24:6f:28:aa:bb:cc';
const KEY = rsaKey(2048);
const publicKey = createPublicKey(KEY);

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

let authority: Authority;
let site: Site;
let listener: Listener;
const server = { close: () => {} };

beforeAll(async () => {
  authority = new Authority();
  const https = createServer(authority.issue('ota'), (request, response) => listener(request, response));
  https.listen(0, '127.0.0.1');
  await once(https, 'listening');
  server.close = () => https.close();
  site = new Site(`https://localhost:${(https.address() as AddressInfo).port}`, authority.ca, {
    host: '127.0.0.1',
    port: (https.address() as AddressInfo).port,
  });
});
afterAll(() => {
  server.close();
  authority?.[Symbol.dispose]();
});

function firmware(version: string): Firmware {
  return boot(appImage({ version, project: 'lamp', segments: [100_000, 60_000] }));
}

const [OLD, NEW] = [firmware('1.2.0'), firmware('1.3.0')];

function fileOf(bytes: Uint8Array): { sha256: string; md5: string; size: number } {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
  return { sha256: digest('sha256'), md5: digest('md5'), size: bytes.length };
}

/** Answers as every NGINX does that has this rollout, with the files of the releases. */
function offer(rollout: Partial<Rollout>): Listener {
  const files = new Map<string, Uint8Array>();
  const releases = [OLD, NEW].map(({ version, image, appSha256 }): [string, Release] => {
    const signed = withSignature(image, KEY);
    const release: Release = {
      version,
      publishedAt: AUTHOR.at,
      publishedBy: AUTHOR.by,
      plain: fileOf(image),
      signed: fileOf(signed),
      image: { chip: 'esp32', appSha256, secureBoot: 'none' },
    };
    for (const bytes of [image, signed]) files.set(`/blobs/${fileOf(bytes).sha256}.bin`, bytes);
    return [version, release];
  });
  const value = renderCatalogue({
    type: 'lamp',
    record: { chip: 'esp32', forms: ['esp32fota', 'file', 'esphome', 'text'] },
    rollout: { ...AUTHOR, downgrade: false, secureVersion: 0, ...rollout },
    releases: new Map(releases),
    origin: site.origin,
    revision: 7,
  });
  if (!value.ok) throw new Error(value.reason);
  const zone = new Map([
    ['lamp', value.value],
    [READY_KEY, '1'],
  ]);
  const store = {
    get: (key: string) => zone.get(key),
    digest: (text: string) => createHash('sha256').update(text).digest(),
    memory: undefined,
  };
  return (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const header = (name: string) => request.headers[name.toLowerCase()] as string | undefined;
    const asked = {
      method: request.method ?? '',
      path,
      query,
      header,
      https: true,
      certificate: '',
      region: '',
    };
    const given = files.has(path) ? { status: 200, headers: {}, body: '', file: path } : answer(asked, store);
    const body = given.file === '' ? Buffer.from(given.body) : (files.get(given.file) as Buffer);
    send(request, response, given.status, given.headers, body);
  };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const part = from === undefined ? body : body.subarray(Number(from), to ? Number(to) + 1 : undefined);
  const length = status === 304 ? {} : { 'Content-Length': String(part.length) };
  const range = status === 200 && from !== undefined;
  response.writeHead(range ? 206 : status, { ...headers, ...length });
  response.end(request.method === 'HEAD' ? undefined : part);
}

const KINDS: readonly [string, () => Device][] = [
  ['esp32FOTA', () => new Esp32Fota({ site, type: 'lamp', mac: MAC, firmware: OLD, publicKey })],
  ['esp_https_ota, resuming', () => new EspHttpsOta({ site, type: 'lamp', mac: MAC, firmware: OLD })],
  [
    'esp_https_ota, in pieces',
    () => new EspHttpsOta({ site, type: 'lamp', mac: MAC, firmware: OLD, pieces: 65_536 }),
  ],
  ['HTTPUpdate', () => new HttpUpdate({ site, type: 'lamp', mac: MAC, firmware: OLD })],
  ['ESPHome', () => new EspHome({ site, type: 'lamp', mac: MAC, firmware: OLD })],
];

describe.each(KINDS)('a device with %s', (_, make) => {
  it('installs what it is offered once, and keeps it when it is taken back', async () => {
    const device = make();
    listener = offer({ stable: '1.2.0' });
    expect(await device.check()).toBeUndefined();
    listener = offer({
      stable: '1.2.0',
      candidate: { version: '1.3.0', salt: 's', percent: 100, groups: [] },
    });
    expect((await device.check())?.firmware.sha256).toBe(NEW.sha256);
    expect(await device.check()).toBeUndefined();
    listener = offer({ stable: '1.2.0' });
    expect(await device.check()).toBeUndefined();
    expect(device.firmware.version).toBe('1.3.0');
  });

  it('does not install other bytes', async () => {
    const device = make();
    const good = offer({ stable: '1.3.0' });
    listener = (request, response) => {
      const end = response.end.bind(response);
      response.end = ((body?: Uint8Array) => {
        const isImage = (body?.length ?? 0) > 10_000;
        return end(isImage ? Buffer.from(body as Uint8Array).fill(0x11, 9_000, 9_010) : body);
      }) as typeof response.end;
      good(request, response);
    };
    await expect(device.check()).rejects.toMatchObject({ kind: 'content' });
    expect(device.firmware).toBe(OLD);
  });

  it('reads no chunks', async () => {
    listener = (_request, response) => response.writeHead(200).end('x');
    await expect(make().check()).rejects.toMatchObject({ kind: 'form' });
  });

  it('takes an error for an error', async () => {
    listener = (request, response) => send(request, response, 404, {}, Buffer.from('error: no\n'));
    await expect(make().check()).rejects.toMatchObject({ kind: 'status' });
  });

  it('trusts its authority alone', async () => {
    using other = new Authority();
    const device = make();
    const { origin, host, port } = site;
    Object.assign(device, { site: new Site(origin, other.ca, { host, port }) });
    await expect(device.check()).rejects.toMatchObject({ kind: 'connection' });
  });
});

describe('esp32FOTA', () => {
  it('takes the first newer entry of its type, and crashes without one', () => {
    const entry = (type: string, version: unknown, url: string) => ({ type, version, url });
    const manifest = [entry('other', '9.0.0', 'a'), entry('lamp', '1.3.0', 'b'), entry('lamp', '2.0.0', 'c')];
    expect(chooseUrl(manifest, 'lamp', '1.2.0')).toBe('b');
    expect(chooseUrl(manifest, 'lamp', '1.3.0')).toBe('c');
    expect(chooseUrl([], 'lamp', '1.2.0')).toBeUndefined();
    expect(chooseUrl([entry('lamp', '1.4.0-rc.1', 'd')], 'lamp', '1.2.0')).toBeUndefined();
    expect(chooseUrl(entry('lamp', 7, 'e'), 'lamp', '6.9.9')).toBe('e');
    expect(() => chooseUrl({ error: 'no' }, 'lamp', '1.2.0')).toThrow(/crashes/);
  });

  it('says its id as a decimal number', () => {
    expect(decimalId('24:6f:28:aa:bb:cc')).toBe('225106385727268');
  });
});

describe('esp_https_ota', () => {
  it('goes on where a download broke off', async () => {
    const device = new EspHttpsOta({ site, type: 'lamp', mac: MAC, firmware: OLD });
    const good = offer({ stable: '1.3.0' });
    listener = (request, response) => {
      const end = response.end.bind(response);
      response.end = ((body?: Uint8Array) => {
        response.write(body?.subarray(0, 50_000), () => response.destroy());
        return response;
      }) as typeof end;
      good(request, response);
    };
    await expect(device.check()).rejects.toMatchObject({ kind: 'connection' });
    listener = good;
    expect((await device.check())?.firmware.sha256).toBe(NEW.sha256);
    expect(device.resumed).toBe(1);
  });
});

describe('a fleet', () => {
  it('counts updates, and what a device must not be given', async () => {
    listener = offer({ stable: '1.3.0' });
    const devices = manyDevices({ sites: [site], type: 'lamp', count: 16, firmware: OLD, publicKey });
    const fleet = new Fleet(devices, { checksPerSecond: 500 });
    fleet.know(NEW);
    fleet.allow(({ client }) => (client === 'ESPHome' ? [] : ['1.3.0']));
    fleet.start();
    await fleet.round();
    await fleet.stop();
    expect(fleet.running()).toEqual(new Map([['1.3.0', 16]]));
    expect(fleet.updates).toBe(16);
    expect([...fleet.failures]).toEqual([['1.3.0 for a device that must not have it', 4]]);
  });

  it('knows what became of each device that started a firmware, and lets the dead ask no more', async () => {
    listener = offer({ stable: '1.3.0' });
    const starts = ['runs', 'goes-back', 'dies', 'runs'] as const;
    const devices = manyDevices({
      sites: [site],
      type: 'lamp',
      count: 8,
      firmware: OLD,
      publicKey,
      start: (number) => starts[number % 4] ?? 'runs',
    });
    const fleet = new Fleet(devices, { checksPerSecond: 500 });
    fleet.know(NEW);
    fleet.allow(() => ['1.3.0']);
    fleet.start();
    await fleet.round();
    const { updates } = fleet;
    await fleet.round();
    await fleet.stop();
    expect(fleet.running()).toEqual(
      new Map([
        ['1.3.0', 4],
        ['1.2.0', 4],
      ]),
    );
    const ends = [...(fleet.started.get('1.3.0')?.values() ?? [])].sort();
    expect(ends).toEqual(['dies', 'dies', 'goes-back', 'goes-back', 'runs', 'runs', 'runs', 'runs']);
    // Those that went back take it again, and nobody else does.
    expect(fleet.updates - updates).toBeGreaterThanOrEqual(2);
    expect(fleet.failed()).toBe(0);
  });

  it('has a device that fails ask again, and waits for it', async () => {
    const good = offer({ stable: '1.2.0' });
    let failures = 0;
    listener = (request, response) => {
      if (failures < 3 && failures++ >= 0) response.destroy();
      else good(request, response);
    };
    const devices = manyDevices({ sites: [site], type: 'lamp', count: 8, firmware: OLD, publicKey });
    const fleet = new Fleet(devices, {
      checksPerSecond: 500,
      isExpected: ({ kind }) => kind === 'connection',
    });
    fleet.start();
    await fleet.round();
    await fleet.stop();
    expect([fleet.failed(), fleet.checks >= 11]).toEqual([0, true]);
    expect([...fleet.expectedFailures.values()].reduce((a, b) => a + b, 0)).toBe(3);
  });
});
