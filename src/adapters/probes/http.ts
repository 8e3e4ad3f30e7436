import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Probe } from '../../core/ports.js';
import type { HttpProbeSpec } from './spec.js';
import { parseTarget } from './target.js';
import { tlsOptions } from './tls-options.js';

/** Healthy when the answer has an expected status. The body is not read: it may be a firmware. */
export function createHttpProbe(spec: HttpProbeSpec): Probe {
  return async (signal) => {
    const status = await ask(spec, signal);
    const good = spec.status ? spec.status.includes(status) : status >= 200 && status < 400;
    if (!good) throw new Error(`answered with status ${status}`);
  };
}

/** A server sends 100, 102 or 103 once or twice, if at all. */
const MAX_INFORMATIONAL = 8;

/** Each time on a connection of its own: that the server takes new ones is part of its health. */
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
    // Of an answer only the head is read, and of that no more than this.
    maxHeaderSize: 16_384,
  };
  const request = tls ? requestHttps({ ...options, ...tlsOptions(tls, host) }) : requestHttp(options);
  const abort = () => request.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      request.on('response', ({ statusCode = 0 }) => resolve(statusCode));
      // Any number of them may come before the answer: their end is the probe's time limit or this.
      let informational = 0;
      request.on('information', () => {
        if (++informational > MAX_INFORMATIONAL)
          request.destroy(new Error('answered with 1xx again and again'));
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
