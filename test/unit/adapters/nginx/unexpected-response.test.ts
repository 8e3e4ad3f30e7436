import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectEtcd } from '../../../../src/adapters/etcd/connect.js';
import { createNginxApi } from '../../../../src/adapters/nginx/api.js';
import { Authority, type KeyPair } from '../../../support/certificates.js';

const NEVER = new AbortController().signal;
const PAGE = '<html><head><title>Welcome\n to \u001b[2Jnginx!</title></head></html>';

const open: Server[] = [];
let secured: KeyPair;

beforeAll(() => {
  using authority = new Authority();
  secured = authority.issue('localhost');
});

afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(server: Server): Promise<string> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const plain = (listener: RequestListener) => listen(createServer(listener));
const page = () => plain((_, response) => response.writeHead(200).end(PAGE));
const tls = () => listen(createTlsServer(secured, (_, response) => void response.end(PAGE)));

async function nginxSays(url: string): Promise<string> {
  const api = createNginxApi({ name: 'lb', url, timeout: 5_000 });
  try {
    await api.identity(NEVER);
    return 'it is the API';
  } catch (error) {
    return (error as Error).message;
  } finally {
    await api.close();
  }
}

async function etcdSays(endpoint: string): Promise<string> {
  const etcd = connectEtcd({ endpoints: [endpoint], requestTimeout: 5_000 });
  try {
    await etcd.store.list('/', NEVER);
    return 'it is etcd';
  } catch (error) {
    return (error as Error).message;
  } finally {
    etcd.close();
  }
}

describe('the error of a client of the NGINX API', () => {
  it('names an HTML page, on one line and without its control characters', async () => {
    const host = await page();
    expect(await nginxSays(`http://${host}/api`)).toBe(
      `GET http://${host}/api/: 200: the response is "Welcome to \\u001b[2Jnginx!", not the API's: is the path the API's root, such as /api?`,
    );
  });

  it('differs for an API that refuses access', async () => {
    const host = await plain((_, response) => response.writeHead(401).end(PAGE));
    expect(await nginxSays(`http://${host}/api`)).toMatch(
      /: 401: the API refuses this watcher's credential: see username/,
    );
  });

  it('names a server that speaks TLS instead of plain HTTP', async () => {
    const answer = '<title>400 The plain HTTP request was sent to HTTPS port</title>';
    const host = await plain((_, response) => response.writeHead(400).end(answer));
    expect(await nginxSays(`http://${host}/api`)).toMatch(
      /expects TLS: should the URL begin with https:\/\/\?$/,
    );
    expect(await nginxSays(`http://${await tls()}/api`)).toMatch(/if it speaks TLS, the URL is https:\/\/$/);
  });

  it('names a server that speaks plain HTTP instead of TLS', async () => {
    expect(await nginxSays(`https://${await page()}/api`)).toMatch(
      /does not speak TLS: is the URL http:\/\/\?$/,
    );
  });

  it('names a server whose certificate authority is unknown', async () => {
    expect(await nginxSays(`https://${await tls()}/api`)).toMatch(/name the file of the authority \(ca\)$/);
  });

  it('names the version of the API in a URL that should end at the root', async () => {
    const host = await plain((_, response) => response.writeHead(200).end('{"a":1}'));
    expect(await nginxSays(`http://${host}/api`)).toMatch(/not the list of the API's versions: is the URL/);
  });
});

describe('the error of a client of etcd', () => {
  it('names a server that speaks plain HTTP instead of TLS', async () => {
    const host = await page();
    expect(await etcdSays(`https://${host}`)).toMatch(
      new RegExp(`^etcd: no connection to https://${host}: .* does not speak TLS: is the URL http://\\?$`),
    );
  });

  it('names a server that speaks TLS, or something else, instead of plain HTTP/2', async () => {
    for (const host of [await tls(), await page()]) {
      expect(await etcdSays(`http://${host}`)).toMatch(
        /^etcd: no connection to .*: if it speaks TLS, the URL is https:\/\/$/,
      );
    }
  });

  it('names a server that speaks TLS, but no HTTP/2', async () => {
    expect(await etcdSays(`https://${await tls()}`)).toMatch(
      /speaks TLS, but not HTTP\/2: it is another program$/,
    );
  });
});
