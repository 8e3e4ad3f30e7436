import { Pool } from 'undici';
import { isTimeout } from '../../async/abort.js';
import { isObject, type JsonBounds, readJson } from '../../core/bounded-json.js';
import { messageOf, NginxError } from '../../core/errors.js';
import { ok, type Result } from '../../core/result.js';
import { explainConnectionError } from '../connection-errors.js';
import { tlsConnectOptions } from '../tls-connect-options.js';
import { type Answer, exchange, isGood } from './exchange.js';
import { JsonElements } from './json-elements.js';
import { locateApi } from './location.js';
import { DEFAULT_NGINX_CONNECTIONS, DEFAULT_NGINX_TIMEOUT, type NginxApiOptions } from './options.js';
import { describeUnexpectedResponse } from './unexpected-response.js';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/**
 * Reads the body of a good answer.
 * @param parse Parses the text; `undefined` where it is empty. Throws NginxError where it is no JSON.
 */
type BodyReader<T> = (text: string, parse: () => unknown) => T;

interface ApiRequest {
  readonly method: Method;
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** One HTTP call to the API; rejects with NginxError. */
interface Transport {
  /** Resolves to the parsed body. */
  call(method: Method, path: string, signal: AbortSignal, body?: unknown): Promise<unknown>;
  /**
   * Resolves when the change is made. Of a good answer only the beginning is read: NGINX answers the removal of a server with
   * all those that are left.
   */
  change(request: ApiRequest, signal: AbortSignal): Promise<void>;
  /** Resolves to what the reader reads of the body. */
  read<T>(request: ApiRequest, signal: AbortSignal, reader: BodyReader<T>): Promise<T>;
  /**
   * GETs an answer with a list in it that may be long, and gives its elements to a reader as they arrive. Resolves to what the
   * reader has read.
   */
  list<T>(path: string, signal: AbortSignal, list: ListRequest<T>): Promise<T>;
  /** Closes once the calls under way have ended. */
  retire(): Promise<void>;
  close(): Promise<void>;
}

/** A list in an answer, and who reads it. */
interface ListRequest<T> {
  /** How many objects and arrays are around an element: 1 in `[…]`, 2 in `{"peers":[…]}`. */
  readonly at: number;
  /** Makes a reader of one answer: the request may be sent a second time. */
  readonly reader: () => ListReader<T>;
}

export interface ListReader<T> {
  /** Takes in one element as text, which need not be JSON. */
  take(element: string): void;
  /** Takes in an element that it knows and that begins at this place, and returns its length in bytes; 0 where it knows none. */
  takeKnown?(part: Buffer, at: number): number;
  /**
   * The list has ended.
   * @param rest The answer, with a 0 for each element.
   * @param count How many elements there were.
   */
  end(rest: unknown, count: number): T;
}

/** The most bytes of an answer. A list of 10,000 servers with their statistics is some 10 MB. */
const MAX_ANSWER = 64 * 1024 * 1024;

/** How much of an answer tells whether it is the API's, in bytes. */
const BEGINNING = 512;

/** @param maxAnswer The most bytes of an answer; default 64 MiB. */
export function createTransport(options: NginxApiOptions, maxAnswer = MAX_ANSWER): Transport {
  const { origin, path: base, socketPath } = locateApi(options.url);
  const where = `${socketPath === undefined ? origin : `unix:${socketPath}:`}${base}`;
  const timeout = options.timeout ?? DEFAULT_NGINX_TIMEOUT;
  const headers = { accept: 'application/json', ...authorization(options.auth) };
  const headersWithBody = { ...headers, 'content-type': 'application/json' };
  const tls = options.tls && tlsConnectOptions(options.tls, new URL(origin).hostname);
  const pool = new Pool(origin, {
    connections: options.connections ?? DEFAULT_NGINX_CONNECTIONS,
    pipelining: 1,
    maxResponseSize: maxAnswer,
    ...(socketPath !== undefined && { socketPath }),
    connect: { timeout, ...tls },
  });

  async function attempt(
    method: Method,
    path: string,
    signal: AbortSignal,
    body?: unknown,
    take?: (part: Buffer) => void,
  ) {
    const request = {
      method,
      path: base + path,
      headers: body === undefined ? headers : headersWithBody,
      body: body === undefined ? null : JSON.stringify(body),
    };
    try {
      return await exchange(pool, request, { timeout, signal }, take);
    } catch (error) {
      signal.throwIfAborted();
      if (isTimeout(error)) throw new NginxError('TIMEOUT', `no answer within ${timeout} ms`);
      const message = explainConnectionError(messageOf(error), origin.startsWith('https:'));
      throw new NginxError('UNREACHABLE', message, { cause: error });
    }
  }

  /** The words for a request in errors. */
  const named = (method: Method, path: string): RequestName => ({
    short: `${method} ${path}`,
    full: `${method} ${where}${path}`,
  });

  async function read<T>(request: ApiRequest, signal: AbortSignal, reader: BodyReader<T>): Promise<T> {
    const { method, path, body } = request;
    const send = () => attempt(method, path, signal, body);
    const answer = await (method === 'GET' ? sendAgainIfClosed(send) : send());
    return bodyOf(answer, named(method, path), reader);
  }

  async function change({ method, path, body }: ApiRequest, signal: AbortSignal): Promise<void> {
    let begin: Buffer | undefined;
    const answer = await attempt(method, path, signal, body, (part) => {
      begin ??= part;
    });
    const text = begin?.toString('utf8', 0, BEGINNING) ?? '';
    if (isGood(answer.status) && (text.trim() === '' || looksLikeJson(text))) return;
    throw errorOf(isGood(answer.status) ? { ...answer, text } : answer, named(method, path));
  }

  const call: Transport['call'] = (method, path, signal, body) =>
    read({ method, path, body }, signal, parsed);

  async function list<T>(path: string, signal: AbortSignal, { at, reader }: ListRequest<T>): Promise<T> {
    return sendAgainIfClosed(async () => {
      const reading = reader();
      const elements = new JsonElements(
        at,
        (element) => reading.take(element),
        (part, from) => reading.takeKnown?.(part, from) ?? 0,
      );
      const answer = await attempt('GET', path, signal, undefined, (part) => elements.write(part));
      const name = named('GET', path);
      if (elements.problem !== undefined) throw badBody(answer.status, elements.problem, name);
      const rest = isGood(answer.status) ? elements.rest : answer.text;
      return reading.end(bodyOf({ status: answer.status, text: rest }, name, parsed), elements.count);
    });
  }

  return { call, change, read, list, retire: () => pool.close(), close: () => pool.destroy() };
}

/** Sends a request that only reads, and once more where the connection was closed as it was sent. */
async function sendAgainIfClosed<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (closedWhileIdle(error)) return send();
    throw error;
  }
}

/** Whether NGINX closed a kept-alive connection while the request was on its way. */
function closedWhileIdle(error: unknown): boolean {
  const cause = error instanceof NginxError ? (error.cause as { code?: unknown } | undefined) : undefined;
  return cause?.code === 'UND_ERR_SOCKET' || cause?.code === 'ECONNRESET' || cause?.code === 'EPIPE';
}

/** How a request is called in errors: without the API's root, and with it. */
interface RequestName {
  readonly short: string;
  readonly full: string;
}

function parsed(_text: string, parse: () => unknown): unknown {
  return parse();
}

/** What the reader reads of the answer's body; throws NginxError where the answer is not good. */
function bodyOf<T>({ status, text }: Answer, what: RequestName, reader: BodyReader<T>): T {
  if (isGood(status)) return reader(text, () => parsedBody({ status, text }, what));
  throw errorOf({ status, text }, what);
}

function parsedBody({ status, text }: Answer, what: RequestName): unknown {
  const body = parse(text);
  if (body.ok) return body.value;
  throw looksLikeJson(text) ? badBody(status, body.reason, what) : errorOf({ status, text }, what);
}

function looksLikeJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

/** The error for an answer that is not the API's names the whole URL, which may be the mistake. */
function errorOf({ status, text }: Answer, what: RequestName): NginxError {
  const body = parse(text);
  const { code, text: said } = errorFields(body.ok ? body.value : undefined);
  // A server that is overloaded or starts (5xx) answers with a page of its own.
  const strange = code === undefined && said === undefined && status < 500;
  const message = strange
    ? describeUnexpectedResponse({ status, text, what: what.full })
    : `${what.short}: ${status} ${said ?? 'no reason given'}`;
  return new NginxError(code ?? 'BAD_ANSWER', message, { status });
}

/** @param problem What is wrong with the answer, to follow "the answer". */
function badBody(status: number, problem: string, { short }: RequestName): NginxError {
  return new NginxError('BAD_ANSWER', `${short}: the answer ${problem}`, { status });
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
