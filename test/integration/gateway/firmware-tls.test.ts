/** TLS as small devices need it: which versions and ciphers, how much memory, sessions that are resumed, certificates. */
import { execFileSync, spawn } from 'node:child_process';
import { constants, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority, type KeyPair } from '../../support/certificates.js';
import { startContainer, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { FILLED } from '../../support/firmware-answers/index.js';
import { rawRequest } from '../../support/raw-request.js';
import { FILE, type FileServer, startFiles } from './devices.js';
import { type FullGateway, startFullGateway } from './gateway.js';

const BLOB = `/blobs/${'2'.repeat(64)}.bin`;
const DEVICES_CA = '/etc/sidekick-gateway/devices-ca.crt';
/** What a device with a TLS buffer of 4 KiB takes, and what encryption adds to it: 8 bytes of nonce and 16 of tag at most. */
const RECORD = 4096 + 24;

let authority: Authority;
let network: TestNetwork;
let server: FileServer;
/** With the certificate that it makes for itself, which is an ECDSA one. */
let gateway: FullGateway;

beforeAll(async () => {
  authority = new Authority();
  network = await startNetwork();
  server = await startFiles(network);
  gateway = await startFullGateway(network);
  await fill(gateway);
});

afterAll(async () => {
  await server?.close();
  await network?.remove();
  authority?.[Symbol.dispose]();
});

async function fill({ api }: FullGateway): Promise<void> {
  await api.call('POST', '/http/upstreams/firmware/servers', { server: server.server });
  const { status } = await api.call('POST', '/http/keyvals/firmware', Object.fromEntries(FILLED));
  expect(status).toBe(201);
}

/** A path to a port on which the lengths of the TLS records that come back are noted. */
async function tap(port: number): Promise<{ port: number; records: number[]; proxy: net.Server }> {
  const records: number[] = [];
  const proxy = net.createServer((client) => {
    const target = net.connect(port, '127.0.0.1');
    let rest = Buffer.alloc(0);
    target.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
        records.push(rest.readUInt16BE(3));
        rest = rest.subarray(5 + rest.readUInt16BE(3));
      }
    });
    for (const socket of [client, target]) socket.on('error', () => {});
    client.pipe(target).pipe(client);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return { port: (proxy.address() as net.AddressInfo).port, records, proxy };
}

/** What a handshake came to; rejects if the gateway does not agree. */
async function handshake(
  port: number,
  options: tls.ConnectionOptions,
): Promise<{ cipher: string; certificate: Buffer }> {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  const [cipher, certificate] = [socket.getCipher().name, socket.getPeerCertificate().raw];
  socket.destroy();
  return { cipher, certificate };
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('the gateway over %s', (version) => {
  const only = { minVersion: version, maxVersion: version };

  it('sends handshake and file in records that a buffer of 4 KiB holds', async () => {
    const { port, records, proxy } = await tap(gateway.port('https'));
    const answer = await rawRequest({ port, target: BLOB, tls: only });
    expect(answer.body.equals(FILE)).toBe(true);
    expect(Math.max(...records)).toBeLessThanOrEqual(RECORD);
    // None of them is so small that the file would take many.
    expect(records.length).toBeLessThan(5 + FILE.length / 4096 + 5);
    proxy.close();
  });

  it.each([
    ['a ticket', {}],
    ...(version === 'TLSv1.2' ? [['its id', { secureOptions: constants.SSL_OP_NO_TICKET }]] : []),
  ] as [string, tls.ConnectionOptions][])(
    'resumes a session by %s, whichever worker takes the connection',
    async (_, options) => {
      const port = gateway.port('https');
      let session = await sessionOf(port, { ...only, ...options });
      for (let i = 0; i < 8; i++) {
        const { isReused, next } = await resume(port, { ...only, ...options, session });
        expect(isReused).toBe(true);
        session = next ?? session;
      }
    },
  );
});

/** What a device keeps to resume by: with TLS 1.3 it comes behind the handshake. */
async function sessionOf(port: number, options: tls.ConnectionOptions): Promise<Buffer> {
  const { next } = await resume(port, options);
  if (next === undefined) throw new Error('no session');
  return next;
}

/** Asks on a connection of its own, and says whether its session was an earlier one, and what to resume the next one by. */
async function resume(
  port: number,
  options: tls.ConnectionOptions,
  query = 'type=toaster',
): Promise<{ isReused: boolean; next: Buffer | undefined; answer: string }> {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  let next: Buffer | undefined;
  socket.on('session', (session) => {
    next = session;
  });
  await once(socket, 'secureConnect');
  const isReused = socket.isSessionReused();
  socket.write(`GET /ota?${query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const answer = await text(socket);
  return { isReused, next, answer };
}

/** A certificate of its own with an RSA key, and the key behind it. */
function rsa(): string {
  const args = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ota.example.com -keyout - -out -';
  return execFileSync('openssl', args.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

describe('the gateway and ciphers', () => {
  let withRsa: FullGateway;

  beforeAll(async () => {
    const both = rsa();
    withRsa = await startFullGateway(network, undefined, {
      name: 'rsa',
      files: { '/etc/sidekick-gateway/tls.crt': both, '/etc/sidekick-gateway/tls.key': both },
    });
  });

  it.each(['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'])(
    'speaks TLS 1.2 with %s, with an ECDSA and with an RSA certificate',
    async (cipher) => {
      for (const [kind, given] of [
        ['ECDSA', gateway],
        ['RSA', withRsa],
      ] as const) {
        const ciphers = `ECDHE-${kind}-${cipher}`;
        const { cipher: agreed } = await handshake(given.port('https'), { maxVersion: 'TLSv1.2', ciphers });
        expect(agreed).toBe(ciphers);
      }
    },
  );

  it.each(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'])(
    'speaks TLS 1.3 with %s',
    async (ciphers) => {
      const { cipher } = await handshake(gateway.port('https'), { minVersion: 'TLSv1.3', ciphers });
      expect(cipher).toBe(ciphers);
    },
  );

  it.each([
    ['CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }],
  ] as [string, tls.ConnectionOptions][])('refuses %s', async (_, options) => {
    await expect(handshake(gateway.port('https'), options)).rejects.toThrow(/alert|version/);
  });
});

it('keeps to the fragment length that a client with little memory asks for', async () => {
  const { port, records, proxy } = await tap(gateway.port('https'));
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_2', '-maxfraglen', '1024', '-quiet'];
  const client = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] });
  client.stdin.write(`GET ${BLOB} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const output = await text(client.stdout);
  client.kill();
  expect(output).toContain(' 200 ');
  expect(Math.max(...records)).toBeLessThanOrEqual(1024 + 24);
  proxy.close();
});

describe('the chain of certificates', () => {
  it('is one short certificate where the gateway makes its own', async () => {
    const { certificate } = await handshake(gateway.port('https'), {});
    expect(certificate.length).toBeLessThan(1_000);
    expect(gateway.container.logs.lines.join('\n')).not.toContain('TLS buffer');
  });

  it('is warned of where a device with a buffer of 4 KiB cannot take it', async () => {
    const { cert, key } = authority.issue('long');
    const chain = cert.toString() + authority.ca.toString().repeat(12);
    const long = await startFullGateway(network, undefined, {
      name: 'long',
      files: {
        '/etc/sidekick-gateway/tls.crt': chain,
        '/etc/sidekick-gateway/tls.key': key.toString(),
      },
    });
    const line = await long.container.logs.waitFor(/TLS buffer of 4 KiB/);
    const lengthOf = (pem: Buffer) => new X509Certificate(pem).raw.length;
    const bytes = lengthOf(cert) + 12 * lengthOf(authority.ca);
    const said = Number(/have (\d+) bytes/.exec(line)?.[1]);
    expect(said).toBeGreaterThanOrEqual(bytes);
    // Padding of Base64, at most two bytes for each certificate.
    expect(said).toBeLessThanOrEqual(bytes + 2 * 13);
  });
});

describe('a client certificate', () => {
  async function start(name: string, environment: Record<string, string> = {}): Promise<FullGateway> {
    const files = { [DEVICES_CA]: authority.ca.toString() };
    const started = await startFullGateway(network, undefined, { name, environment, files });
    await fill(started);
    return started;
  }

  const ask = (asked: FullGateway, target: string, certificate?: KeyPair) =>
    rawRequest({ port: asked.port('https'), target, ...certificate });

  it('is asked for where there is an authority of devices, and then names the device', async () => {
    const required = await start('required');
    expect((await ask(required, '/ota?type=toaster')).status).toBe(400);
    expect((await ask(required, BLOB)).status).toBe(400);
    using stranger = new Authority();
    expect((await ask(required, '/ota?type=toaster', stranger.issue('bench-1'))).status).toBe(400);
    const member = authority.issue('bench-1');
    const given = await ask(required, '/ota?type=toaster', member);
    expect(given.status).toBe(200);
    expect(given.body.toString()).toContain('"version":"1.3.0"');
    expect((await ask(required, BLOB, member)).body.equals(FILE)).toBe(true);
    expect((await ask(required, '/ota?type=toaster&id=bench-2', member)).status).toBe(403);
    // Without TLS there is no certificate, and no firmware.
    const plain = await rawRequest({
      port: required.port('http'),
      https: false,
      target: '/ota?type=toaster&id=bench-1',
    });
    expect(plain.status).toBe(403);
    expect(plain.body.toString()).toBe('error: firmware is served over https only\n');
  });

  it('names the device in a resumed session, too', async () => {
    const asked = await start('resumed');
    const port = asked.port('https');
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { cert, key } = authority.issue('bench-2');
      const session = await sessionOf(port, { maxVersion, cert, key });
      const resumed = await resume(port, { maxVersion, session }, 'type=toaster&id=bench-1');
      expect(resumed.isReused).toBe(true);
      expect(resumed.answer).toContain(' 403 ');
    }
  });

  it('is optional where that is said: a device without one says who it is', async () => {
    const optional = await start('optional', { GATEWAY_DEVICE_CERTIFICATES: 'optional' });
    const given = await ask(optional, '/ota?type=toaster&id=bench-1');
    expect(given.body.toString()).toContain('"version":"1.3.0"');
    expect((await ask(optional, '/ota?type=toaster&id=bench-1', authority.issue('bench-2'))).status).toBe(
      403,
    );
  });

  it('is neither required nor optional by a word that says neither: the gateway does not start', async () => {
    const container = await startContainer({
      image: 'sidekick-gateway',
      name: 'neither',
      network,
      environment: { GATEWAY_DEVICE_CERTIFICATES: 'on' },
      files: { [DEVICES_CA]: authority.ca.toString() },
    });
    await container.logs.waitFor(/GATEWAY_DEVICE_CERTIFICATES: must be/);
  });
});
