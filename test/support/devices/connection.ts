/**
 * HTTP over TLS as small clients speak it: they know a length and no chunks, follow no redirect, and read one answer after
 * the other from the raw socket. Sources: esp32FOTA (issue #131: chunks are read as the body), arduino-esp32's HTTPClient and
 * esp_http_client (5 s of silence end a request), ESPHome (512 bytes for a header's line: esphome/esphome#13786).
 */
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { BrokenOff, DeviceFailure } from './failure.js';

/** For how long nothing may arrive, in ms. */
const SILENCE_MS = 5_000;
/** The longest line of a header, in bytes. */
const MAX_LINE = 512;
const LINE_END = '\r\n';

/** Where devices ask, and the authority that they trust. */
export class Site {
  /** Such as `https://ota.example.com`: what devices are given, and what manifests name. */
  readonly origin: string;
  readonly host: string;
  readonly port: number;
  readonly context: SecureContext;

  /** `address` is where the origin is reached, where that is not its own host and port. */
  constructor(
    origin: string,
    ca: string | Buffer,
    address?: { readonly host: string; readonly port: number },
  ) {
    const { hostname, port } = new URL(origin);
    this.origin = origin;
    this.host = address?.host ?? hostname;
    this.port = address?.port ?? (Number(port) || 443);
    this.context = createSecureContext({ ca });
  }

  /** The name that the certificate has to be for. */
  get name(): string {
    return new URL(this.origin).hostname;
  }
}

interface Request {
  readonly method?: 'GET' | 'HEAD';
  readonly target: string;
  readonly version?: '1.0' | '1.1';
  readonly headers: Readonly<Record<string, string>>;
}

/** An answer whose header has been read. */
export interface Answer {
  readonly status: number;
  /** The value of a header, in any case; undefined where it is not there. */
  header(name: string): string | undefined;
  /** The value of `Content-Length`. */
  readonly length: number;
  /** The whole body. Rejects with {@link BrokenOff} where it ends early. */
  body(): Promise<Buffer>;
}

/** A connection that checks the server's certificate. */
export class Connection {
  readonly #socket: TLSSocket;
  readonly #input: Input;
  readonly #host: string;
  /** When the header of the first answer was read, by `performance.now()`. */
  answeredAt: number | undefined;

  private constructor(socket: TLSSocket, host: string) {
    this.#socket = socket;
    this.#input = new Input(socket);
    this.#host = host;
  }

  static async open(site: Site): Promise<Connection> {
    const { host, port, name, context } = site;
    const servername = isIP(name) ? {} : { servername: name };
    const socket = connect({ host, port, secureContext: context, ...servername });
    socket.setNoDelay(true);
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`silent for ${SILENCE_MS} ms`)));
    try {
      await once(socket, 'secureConnect');
    } catch (error) {
      socket.destroy();
      throw new DeviceFailure('connection', `no connection: ${(error as Error).message}`, { cause: error });
    }
    // An error between two requests shows when the next one is read.
    socket.on('error', () => {});
    return new Connection(socket, name);
  }

  /** Sends a request and reads the header of its answer. The body of the one before has to have been read. */
  async request({ method = 'GET', target, version = '1.1', headers }: Request): Promise<Answer> {
    const lines = Object.entries({ Host: this.#host, ...headers }).map(
      ([name, value]) => `${name}: ${value}${LINE_END}`,
    );
    this.#socket.write(`${method} ${target} HTTP/${version}${LINE_END}${lines.join('')}${LINE_END}`);
    const answer = await readAnswer(this.#input, method === 'GET');
    this.answeredAt ??= performance.now();
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function readAnswer(input: Input, hasBody: boolean): Promise<Answer> {
  const first = await input.line();
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(first)?.[1]);
  if (Number.isNaN(status)) throw new DeviceFailure('form', `no status line: ${first}`);
  const headers = new Map<string, string>();
  for (let line = await input.line(); line !== ''; line = await input.line()) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  if (headers.has('transfer-encoding')) throw new DeviceFailure('form', 'the answer comes in chunks');
  const length = Number(headers.get('content-length') ?? (status === 304 ? 0 : Number.NaN));
  if (Number.isNaN(length)) throw new DeviceFailure('form', 'the answer does not say its length');
  return {
    status,
    length,
    header: (name) => headers.get(name.toLowerCase()),
    body: () => input.take(hasBody && status !== 304 ? length : 0),
  };
}

/** What has arrived on a socket, line by line and piece by piece. */
class Input {
  readonly #chunks: AsyncIterator<Buffer>;
  #ahead: Buffer = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#ahead.indexOf(LINE_END);
      if (end > MAX_LINE || (end < 0 && this.#ahead.length > MAX_LINE)) {
        throw new DeviceFailure('form', `a line of the header is longer than ${MAX_LINE} bytes`);
      }
      if (end >= 0) {
        const line = this.#ahead.subarray(0, end).toString('latin1');
        this.#ahead = this.#ahead.subarray(end + LINE_END.length);
        return line;
      }
      this.#ahead = Buffer.concat([this.#ahead, await this.#next()]);
    }
  }

  async take(length: number): Promise<Buffer> {
    const parts = [this.#ahead];
    let received = this.#ahead.length;
    try {
      while (received < length) {
        const chunk = await this.#next();
        parts.push(chunk);
        received += chunk.length;
      }
    } catch (error) {
      throw new BrokenOff(Buffer.concat(parts), length, error);
    }
    const all = parts.length === 1 ? this.#ahead : Buffer.concat(parts);
    this.#ahead = all.subarray(length);
    return all.subarray(0, length);
  }

  async #next(): Promise<Buffer> {
    try {
      const { value, done } = await this.#chunks.next();
      if (done === true) throw new Error('the server closed the connection');
      return value;
    } catch (error) {
      throw new DeviceFailure('connection', `no answer: ${(error as Error).message}`, { cause: error });
    }
  }
}
