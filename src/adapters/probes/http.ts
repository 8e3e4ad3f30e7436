import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Probe } from '../../core/ports.js';
import { tlsConnectOptions } from '../tls-connect-options.js';
import { parseTarget } from './socket.js';
import type { HttpProbeSpec } from './spec.js';

/** Healthy when the answer has an expected status. The body is not read: it may be a whole firmware image. */
export function createHttpProbe(spec: HttpProbeSpec): Probe {
  return async (signal) => {
    const status = await ask(spec, signal);
    const good = spec.status ? spec.status.includes(status) : status >= 200 && status < 400;
    if (!good) throw new Error(`answered with status ${status}`);
  };
}

/** The most 1xx answers (100, 102, 103) before the final one; a server sends one or two, if any. */
const MAX_INFORMATIONAL = 8;

/** Sends a request on a new connection, since accepting new ones is part of the server's health. Resolves to the status. */
async function ask(spec: HttpProbeSpec, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const { target, path = '/', method = 'GET', headers = {}, tls } = spec;
  const { host, port } = parseTarget(target);
  const options = {
    host,
    port,
    path,
    method,
    headers: { 'user-agent': 'sidekick', ...headers },
    agent: false,
    // Only the head of the answer is read, and no more of it than this.
    maxHeaderSize: 16_384,
  };
  const request = tls ? requestHttps({ ...options, ...tlsConnectOptions(tls, host) }) : requestHttp(options);
  const abort = () => request.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      request.on('response', ({ statusCode = 0 }) => resolve(statusCode));
      let informational = 0;
      request.on('information', () => {
        if (++informational > MAX_INFORMATIONAL)
          request.destroy(new Error('answered with too many 1xx statuses'));
      });
      request.on('error', reject);
      request.on('close', () => reject(new Error('the connection was closed without an answer')));
      request.end();
    });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', abort);
    request.destroy();
  }
}
