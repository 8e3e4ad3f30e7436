import { Pool } from 'undici';
import { isTimeout } from '../../async/abort.js';
import { isObject, type JsonBounds, readJson } from '../../core/bounded-json.js';
import { messageOf, NginxError } from '../../core/errors.js';
import { ok, type Result } from '../../core/result.js';
import { explainConnectionError } from '../connection-errors.js';
import { tlsConnectOptions } from '../tls-connect-options.js';
import { type Answer, exchange } from './exchange.js';
import { locateApi } from './location.js';
import { DEFAULT_NGINX_CONNECTIONS, DEFAULT_NGINX_TIMEOUT, type NginxApiOptions } from './options.js';
import { describeUnexpectedResponse } from './unexpected-response.js';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** One HTTP call to the API: resolves to the parsed body, `undefined` where there is none; rejects with NginxError. */
interface Transport {
  call(method: Method, path: string, signal: AbortSignal, body?: unknown): Promise<unknown>;
  /** Closes once the calls under way have ended. */
  retire(): Promise<void>;
  close(): Promise<void>;
}

/** The most bytes of an answer. A list of 10,000 servers with their statistics is some 10 MB. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** @param maxAnswer The most bytes of an answer; default 64 MiB. */
export function createTransport(options: NginxApiOptions, maxAnswer = MAX_ANSWER): Transport {
  const { origin, path: base, socketPath } = locateApi(options.url);
  const where = `${socketPath === undefined ? origin : `unix:${socketPath}:`}${base}`;
  const timeout = options.timeout ?? DEFAULT_NGINX_TIMEOUT;
  const headers = { accept: 'application/json', ...authorization(options.auth) };
  const tls = options.tls && tlsConnectOptions(options.tls, new URL(origin).hostname);
  const pool = new Pool(origin, {
    connections: options.connections ?? DEFAULT_NGINX_CONNECTIONS,
    pipelining: 1,
    maxResponseSize: maxAnswer,
    ...(socketPath !== undefined && { socketPath }),
    connect: { timeout, ...tls },
  });

  async function attempt(method: Method, path: string, signal: AbortSignal, body?: unknown) {
    const request = {
      method,
      path: base + path,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    };
    try {
      return await exchange(pool, request, { timeout, signal });
    } catch (error) {
      signal.throwIfAborted();
      if (isTimeout(error)) throw new NginxError('TIMEOUT', `no answer within ${timeout} ms`);
      const message = explainConnectionError(messageOf(error), origin.startsWith('https:'));
      throw new NginxError('UNREACHABLE', message, { cause: error });
    }
  }

  async function call(method: Method, path: string, signal: AbortSignal, body?: unknown): Promise<unknown> {
    const answer = await attempt(method, path, signal, body).catch((error: unknown) => {
      if (method === 'GET' && closedWhileIdle(error)) return attempt(method, path, signal);
      throw error;
    });
    return read(answer, { short: `${method} ${path}`, full: `${method} ${where}${path}` });
  }

  return { call, retire: () => pool.close(), close: () => pool.destroy() };
}

/** Whether NGINX closed a kept-alive connection while the request was on its way: then a GET may be sent again. */
function closedWhileIdle(error: unknown): boolean {
  const cause = error instanceof NginxError ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === 'UND_ERR_SOCKET' || cause?.code === 'ECONNRESET' || cause?.code === 'EPIPE';
}

/** The answer's value. The error for an answer that is not the API's names the whole URL, which may be the mistake. */
function read({ status, text }: Answer, what: { readonly short: string; readonly full: string }): unknown {
  const body = parse(text);
  const good = status >= 200 && status < 300;
  if (good && body.ok) return body.value;
  if (good && !body.ok && /^\s*[[{]/.test(text)) {
    throw new NginxError('BAD_ANSWER', `${what.short}: the answer ${body.reason}`, { status });
  }
  const { code, text: said } = errorFields(body.ok ? body.value : undefined);
  // A server that is overloaded or starts (5xx) answers with a page of its own.
  const strange = code === undefined && said === undefined && status < 500;
  const message = strange
    ? describeUnexpectedResponse({ status, text, what: what.full })
    : `${what.short}: ${status} ${said ?? 'no reason given'}`;
  throw new NginxError(code ?? 'BAD_ANSWER', message, { status });
}

/** Bounds of NGINX's answers: the servers of a group are nested four deep, with some twenty members each. */
const ANSWER_BOUNDS: JsonBounds = { length: MAX_ANSWER, depth: 32, items: 4_000_000 };

function parse(text: string): Result<unknown> {
  return text.trim() === '' ? ok(undefined) : readJson(text, ANSWER_BOUNDS);
}

/** NGINX's codes are words such as `UpstreamNotFound`; any other text is ignored. */
const CODE = /^[A-Za-z]{1,64}$/;
const MAX_TEXT = 512;

/** NGINX's error object: `{"error":{"status":404,"text":"path not found","code":"PathNotFound"},…}`. */
function errorFields(body: unknown): { code?: string; text?: string } {
  const error = isObject(body) && isObject(body.error) ? body.error : {};
  return {
    ...(typeof error.code === 'string' && CODE.test(error.code) ? { code: error.code } : {}),
    ...(typeof error.text === 'string' ? { text: error.text.slice(0, MAX_TEXT) } : {}),
  };
}

function authorization(auth: NginxApiOptions['auth']): Readonly<Record<string, string>> {
  if (!auth) return {};
  if ('token' in auth) return { authorization: `Bearer ${auth.token}` };
  return { authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` };
}
