import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpBlobUploader } from '../../../../src/adapters/blobs/uploader.js';
import { NEVER } from '../../../../src/async/abort.js';

const CONTENT = Buffer.alloc(150_000, 'firmware ');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
/** 2026-11-27T12:00:00Z. */
const MTIME = 1_795_780_800;

describe('HttpBlobUploader', () => {
  let status: number;
  let requests: { readonly head: IncomingMessage; readonly body: Buffer }[];
  let uploader: HttpBlobUploader;
  const server = createServer((head, response) => {
    const parts: Buffer[] = [];
    head.on('data', (part: Buffer) => parts.push(part));
    head.on('end', () => {
      requests.push({ head, body: Buffer.concat(parts) });
      response.writeHead(status, { etag: '"e"' }).end(head.method === 'GET' ? CONTENT : '');
    });
  });

  beforeEach(async () => {
    status = 201;
    requests = [];
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    uploader = new HttpBlobUploader({ url, token: 'secret' });
  });
  afterEach(async () => {
    await uploader.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('puts a file under its SHA-256, with its mtime as Date, its length and the token', async () => {
    const sent: number[] = [];
    await uploader.put(SHA256, MTIME, CONTENT, (bytes) => sent.push(bytes), NEVER);

    const [{ head, body } = { head: undefined, body: undefined }] = requests;
    expect(body).toEqual(CONTENT);
    expect([head?.method, head?.url]).toEqual(['PUT', `/blobs/${SHA256}.bin`]);
    expect(head?.headers).toMatchObject({
      date: 'Fri, 27 Nov 2026 12:00:00 GMT',
      'content-length': '150000',
      authorization: 'Bearer secret',
    });
    expect(sent).toEqual([65_536, 131_072, 150_000]);
  });

  it('counts a file that was replaced as uploaded', async () => {
    status = 204;
    await uploader.put(SHA256, MTIME, CONTENT, () => {}, NEVER);
  });

  it.each([
    [403, /403.*\n.*--upload-token-file/],
    [413, /413/],
    [500, /500/],
  ])('rejects when the server answers %i', async (answer, expected) => {
    status = answer;
    await expect(uploader.put(SHA256, MTIME, CONTENT, () => {}, NEVER)).rejects.toThrow(expected);
  });

  it('reads back the SHA-256 and the ETag of what the server has', async () => {
    status = 200;
    expect(await uploader.readBack(SHA256, NEVER)).toEqual({ sha256: SHA256, etag: '"e"' });
    status = 404;
    expect(await uploader.readBack(SHA256, NEVER)).toBeUndefined();
    status = 403;
    await expect(uploader.readBack(SHA256, NEVER)).rejects.toThrow(/403/);
  });

  it('names the server that cannot be reached', async () => {
    const away = new HttpBlobUploader({ url: 'http://127.0.0.1:1' });
    await expect(away.put(SHA256, MTIME, CONTENT, () => {}, NEVER)).rejects.toThrow(/127\.0\.0\.1:1: /);
    await away.close();
  });
});
