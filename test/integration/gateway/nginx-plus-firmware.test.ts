/**
 * What devices are answered by the configuration for NGINX Plus: in open-source NGINX, where a map is what a keyval variable
 * is in NGINX Plus, namely a variable that is looked up by the value of another one, once in a request.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../support/certificates.js';
import { type Container, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { ANSWER_CASES, EMPTY, FILLED } from '../../support/firmware-answers/index.js';
import { rawRequest } from '../../support/raw-request.js';
import { type Backend, hostAddress, startHttp } from './backends.js';
import { Devices, FILE, type FileServer, startFiles } from './devices.js';
import { startPlus, zoneMap } from './nginx-plus.js';

const PORTS = { http: 80, https: 443 } as const;

let authority: Authority;
let network: TestNetwork;
let server: FileServer;

beforeAll(async () => {
  authority = new Authority();
  network = await startNetwork();
  server = await startFiles(network);
});

afterAll(async () => {
  await server?.close();
  await network?.remove();
  authority?.[Symbol.dispose]();
});

describe.each([
  ['empty', EMPTY],
  ['filled', FILLED],
])('an NGINX Plus whose zone is %s', (name, store) => {
  let devices: Devices;

  beforeAll(async () => {
    const plus = await startPlus(network, {
      name,
      tls: authority.issue('ota.example.com'),
      ports: Object.values(PORTS),
      firmware: [server.server],
      files: {
        'firmware.map': zoneMap(store),
        'devices.conf': 'ssl_client_certificate tls/devices-ca.crt; ssl_verify_client optional;',
        'tls/devices-ca.crt': authority.ca.toString(),
      },
    });
    devices = new Devices((port) => plus.port(PORTS[port]), server, authority);
  });

  it.each(ANSWER_CASES.filter((one) => (one.store ?? FILLED) === store))('$name: $status', (one) =>
    devices.checkCase(one),
  );

  it('gives files over https only', async () => {
    const target = `/blobs/${'2'.repeat(64)}.bin`;
    const plain = await rawRequest({ port: devices.port('http'), https: false, target });
    expect(plain.status).toBe(403);
    expect(plain.body.toString()).toBe('error: firmware is served over https only\n');
    const given = await rawRequest({ port: devices.port('https'), target });
    expect(given.status).toBe(200);
    expect(given.all('Cache-Control')).toEqual(['public, max-age=31536000, immutable']);
  });
});

describe('an NGINX Plus with the group of a region', () => {
  let plus: Container;
  let eu: Backend;

  beforeAll(async () => {
    eu = await startHttp(await hostAddress(network));
    plus = await startPlus(network, {
      name: 'regions',
      tls: authority.issue('ota.example.com'),
      ports: Object.values(PORTS),
      firmware: [`${server.server} max_fails=0`],
      regions: `upstream firmware_eu { server ${eu.server} max_fails=0; }`,
      files: { 'firmware.map': zoneMap(FILLED), 'firmware-groups.conf': 'eu firmware_eu;' },
    });
  });

  const fetched = async (target: string) => {
    const headers = { 'x-ESP32-STA-MAC': '24:6F:28:AA:BB:CE', 'x-ESP32-free-space': '1310720' };
    return (await rawRequest({ port: plus.port(PORTS.https), target, headers })).body.toString('latin1');
  };

  it('takes the files of its devices from there, and from all while no server of it can be reached', async () => {
    const all = FILE.toString('latin1');
    const targets = [`/blobs/${'2'.repeat(64)}.bin?`, '/ota?type=lamp&'];
    for (const target of targets) {
      expect(await fetched(`${target}region=eu`)).toBe(eu.server);
      expect(await fetched(`${target}region=jp`)).toBe(all);
      expect(await fetched(target)).toBe(all);
    }
    await eu.close();
    for (const target of targets) expect(await fetched(`${target}region=eu`)).toBe(all);
  });
});
