import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpBlobPeers } from '../../../../src/adapters/blobs/http-peers.js';
import type { Address } from '../../../../src/core/address.js';

const NEVER = new AbortController().signal;
const SHA256 = 'ab'.repeat(32);

describe('HttpBlobPeers', () => {
  const peers = new HttpBlobPeers();
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let address: Address;
  const server = createServer((request, response) => answer(request, response));

  beforeEach(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `127.0.0.1:${(server.address() as AddressInfo).port}` as Address;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  async function fetched(offset: number): Promise<[number, string] | undefined> {
    const found = await peers.fetch(address, SHA256, offset, NEVER);
    if (found === undefined) return undefined;
    let text = '';
    for await (const chunk of found.content) text += Buffer.from(chunk).toString();
    return [found.offset, text];
  }

  it('fetches a whole file by its SHA-256', async () => {
    answer = (request, response) => response.end(`${request.url} ${request.headers.range}`);

    expect(await fetched(0)).toEqual([0, `/blobs/${SHA256}.bin undefined`]);
  });

  it('resumes a fetch', async () => {
    answer = (request, response) => {
      response.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end(request.headers.range);
    };

    expect(await fetched(5)).toEqual([5, 'bytes=5-']);
  });

  it('reports that the server starts from the beginning', async () => {
    answer = (_, response) => response.end('everything');

    expect(await fetched(5)).toEqual([0, 'everything']);
  });

  it('starts from the beginning where the server does not have the range', async () => {
    answer = ({ headers }, response) => response.writeHead(headers.range ? 416 : 200).end('all');

    expect(await fetched(5)).toEqual([0, 'all']);
  });

  it('returns no file where the server has none', async () => {
    answer = (_, response) => response.writeHead(404).end();

    expect(await fetched(0)).toBeUndefined();
  });

  it.each([
    ['an error', 503, {}],
    ['a range that was not asked for', 206, { 'content-range': 'bytes 7-9/10' }],
  ])('rejects when the server answers %s', async (_, status, headers) => {
    answer = (_request, response) => response.writeHead(status, headers).end('xxx');

    await expect(fetched(5)).rejects.toThrow(String(status));
  });

  it('rejects when the connection breaks off', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half', () => response.destroy());
    };

    await expect(fetched(0)).rejects.toThrow();
  });
});
