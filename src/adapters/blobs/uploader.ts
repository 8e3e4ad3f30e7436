import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import { messageOf, SidekickError } from '../../core/errors.js';
import type { Tls } from '../../core/tls.js';
import type { BlobUploader } from '../../firmware/ports.js';
import { blobPath } from '../../firmware/release.js';
import { explainConnectionError } from '../connection-errors.js';
import { tlsConnectOptions } from '../tls-connect-options.js';

interface UploaderOptions {
  /** The upload listener, such as `https://10.0.0.11:8443`: without a slash at its end. */
  readonly url: string;
  /** A bearer token, where the server takes one. */
  readonly token?: string;
  readonly tls?: Tls;
}

/** How long nothing may arrive, in ms. */
const SILENCE = 30_000;

/** Sent at a time, in bytes: so often the progress is told. */
const CHUNK = 64 * 1024;

/** The upload listener of one firmware server (`docker/firmware/upload.conf`). */
export class HttpBlobUploader implements BlobUploader {
  readonly name: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: Agent;

  constructor({ url, token, tls }: UploaderOptions) {
    this.name = url;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#agent = new Agent({
      headersTimeout: SILENCE,
      bodyTimeout: SILENCE,
      connect: tls === undefined ? {} : tlsConnectOptions(tls, new URL(url).hostname),
    });
  }

  async put(
    sha256: string,
    mtime: number,
    content: Uint8Array,
    onProgress: (sent: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { statusCode, body } = await this.#request('PUT', sha256, signal, {
      headers: { 'content-length': String(content.length), date: new Date(mtime * 1000).toUTCString() },
      body: Readable.from(chunksOf(content, onProgress)),
    });
    await body.dump();
    if (statusCode !== 201 && statusCode !== 204) throw this.#refusal('PUT', sha256, statusCode);
  }

  async readBack(
    sha256: string,
    signal: AbortSignal,
  ): Promise<{ sha256: string; etag: string | undefined } | undefined> {
    const { statusCode, headers, body } = await this.#request('GET', sha256, signal);
    if (statusCode !== 200) {
      await body.dump();
      if (statusCode === 404) return undefined;
      throw this.#refusal('GET', sha256, statusCode);
    }
    const hash = createHash('sha256');
    for await (const chunk of body) hash.update(chunk as Buffer);
    const { etag } = headers;
    return { sha256: hash.digest('hex'), etag: typeof etag === 'string' ? etag : undefined };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #request(
    method: 'GET' | 'PUT',
    sha256: string,
    signal: AbortSignal,
    more: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Readable;
    } = {},
  ) {
    const { headers = {}, body } = more;
    try {
      return await request(`${this.name}${blobPath(sha256)}`, {
        method,
        signal,
        dispatcher: this.#agent,
        headers: { ...this.#headers, ...headers },
        body: body ?? null,
      });
    } catch (error) {
      signal.throwIfAborted();
      const reason = explainConnectionError(messageOf(error), this.name.startsWith('https:'));
      throw new SidekickError('UPLOAD', `${this.name}: ${reason}`, { cause: error });
    }
  }

  #refusal(method: string, sha256: string, status: number): SidekickError {
    const remedy =
      status === 401 || status === 403
        ? '\nthe server wants a client certificate (--upload-cert, --upload-key) or a token (--upload-token-file)'
        : '';
    const message = `${method} ${this.name}${blobPath(sha256)}: ${status}${remedy}`;
    return new SidekickError('UPLOAD', message);
  }
}

async function* chunksOf(
  content: Uint8Array,
  onProgress: (sent: number) => void,
): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < content.length; at += CHUNK) {
    yield content.subarray(at, at + CHUNK);
    onProgress(Math.min(at + CHUNK, content.length));
  }
}
