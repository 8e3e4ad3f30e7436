/** The firmware server: what it takes from publishers, and what it gives to devices. */
import { createHash } from 'node:crypto';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etagOf } from '../../../src/firmware/release.js';
import { Authority, type KeyPair } from '../../support/certificates.js';
import {
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';
import { rawRequest } from '../../support/raw-request.js';

const SERVE = 8080;
const UPLOAD = 8443;
const OWN = '/etc/firmware/upload';
const TOKEN = 'a-token-of-twenty-one';
const DATE = 'Fri, 27 Nov 2026 12:00:00 GMT';

/** More than nginx takes of a body where nothing is said. */
const CONTENT = Buffer.alloc(3_000_000, 'firmware ');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const PATH = `/blobs/${SHA256}.bin`;

let authority: Authority;
let publisher: KeyPair;
let network: TestNetwork;
let servers: readonly Container[];
const agents: Agent[] = [];

beforeAll(async () => {
  authority = new Authority();
  publisher = authority.issue('publisher');
  const { cert, key } = authority.issue('firmware');
  const files = {
    [`${OWN}/tls.crt`]: cert.toString(),
    [`${OWN}/tls.key`]: key.toString(),
    [`${OWN}/ca.crt`]: authority.ca.toString(),
    [`${OWN}/token`]: `${TOKEN}\n`,
  };
  network = await startNetwork();
  servers = await Promise.all([
    start('firmware-1', files),
    start('firmware-2', files),
    start('firmware-3', {}),
  ]);
});

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.close()));
  await network?.remove();
  authority?.[Symbol.dispose]();
});

function start(name: string, files: Record<string, string>): Promise<Container> {
  return startContainer({
    image: 'sidekick-firmware',
    name,
    network,
    files,
    ports: [SERVE, UPLOAD],
    ready: (self) =>
      until(`${name} answers`, async () => (await fetch(`http://127.0.0.1:${self.port(SERVE)}/healthz`)).ok),
  });
}

interface Upload {
  readonly method?: string;
  readonly path?: string;
  readonly token?: string;
  readonly certificate?: KeyPair;
}

async function upload(
  server: Container | undefined,
  { method = 'PUT', path = PATH, token, certificate }: Upload,
): Promise<number> {
  const agent = new Agent({ connect: { ca: authority.ca, ...certificate } });
  agents.push(agent);
  const answer = await request(`https://127.0.0.1:${server?.port(UPLOAD)}${path}`, {
    dispatcher: agent,
    method,
    headers: { Date: DATE, ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: CONTENT,
  });
  await answer.body.dump();
  return answer.statusCode;
}

function get(
  server: Container | undefined,
  headers: Record<string, string> = {},
  method = 'GET',
  target = PATH,
) {
  return rawRequest({ port: server?.port(SERVE) ?? 0, https: false, method, target, headers });
}

describe('a firmware server', () => {
  it('accepts a file with a token or with a client certificate, and accepts it again', async () => {
    expect(await upload(servers[0], { token: TOKEN })).toBe(201);
    expect(await upload(servers[0], { token: TOKEN })).toBe(204);
    expect(await upload(servers[1], { certificate: publisher })).toBe(201);
  });

  it.each<[string, Upload, number]>([
    ['without a credential', {}, 403],
    ['with a wrong token', { token: `${TOKEN}x` }, 403],
    ['under a name that is no SHA-256', { token: TOKEN, path: '/blobs/1.3.0.bin' }, 404],
    ['elsewhere', { token: TOKEN, path: '/manifest.json' }, 404],
    ['to be deleted', { token: TOKEN, method: 'DELETE' }, 405],
  ])('accepts no file %s', async (_, what, status) => {
    expect(await upload(servers[0], what)).toBe(status);
  });

  it('accepts no file from devices, and none at all where no credential is configured', async () => {
    expect((await get(servers[0], {}, 'PUT')).status).toBe(405);
    await expect(upload(servers[2], { token: TOKEN })).rejects.toThrow();
  });

  it('serves the whole file, with its length, cacheable for ever, with the same ETag on every server', async () => {
    const etag = etagOf(Date.parse(DATE) / 1000, CONTENT.length);
    for (const server of servers.slice(0, 2)) {
      const answer = await get(server);
      expect(answer.status).toBe(200);
      expect(answer.body.equals(CONTENT)).toBe(true);
      expect(answer.all('Content-Length')).toEqual([String(CONTENT.length)]);
      expect(answer.all('Transfer-Encoding')).toEqual([]);
      expect(answer.all('ETag')).toEqual([etag]);
      expect(answer.all('Cache-Control')).toEqual(['public, max-age=31536000, immutable']);
      const head = await get(server, {}, 'HEAD');
      expect(head.all('Content-Length')).toEqual([String(CONTENT.length)]);
    }
  });

  it('resumes a download that broke off at another server', async () => {
    const first = await get(servers[0], { Range: 'bytes=0-999999' });
    const etag = first.all('ETag')[0] ?? '';
    const rest = await get(servers[1], { Range: 'bytes=1000000-', 'If-Range': etag });
    expect([first.status, rest.status]).toEqual([206, 206]);
    expect(Buffer.concat([first.body, rest.body]).equals(CONTENT)).toBe(true);
    expect((await get(servers[1], { 'If-None-Match': etag })).status).toBe(304);
  });

  it('serves nothing but whole files', async () => {
    for (const target of ['/blobs/', '/blobs/.upload/', '/blobs/.partial/', `/blobs/${SHA256}`]) {
      expect((await get(servers[0], {}, 'GET', target)).status).toBe(404);
    }
  });
});
