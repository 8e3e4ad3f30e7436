/** Requests over TLS as small devices send them, and answers as they see them: byte by byte. */
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';

interface RawRequest {
  readonly host?: string;
  readonly port: number;
  readonly https?: boolean;
  readonly method?: string;
  /** As it stands in the request's line. */
  readonly target: string;
  readonly version?: '1.0' | '1.1';
  readonly headers?: Readonly<Record<string, string>>;
  /** A certificate of the client. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** What else its TLS has to be. */
  readonly tls?: SecureContextOptions & { readonly servername?: string };
}

export interface RawAnswer {
  readonly status: number;
  /** The header's lines, as they came. */
  readonly lines: readonly string[];
  /** All that came behind the header, until the server closed the connection. */
  readonly body: Buffer;
  /** The values of a header. */
  all(name: string): readonly string[];
}

/** Sends a request on a connection of its own, and reads until the server closes it. */
export async function rawRequest(request: RawRequest): Promise<RawAnswer> {
  const { method = 'GET', target, version = '1.1', headers = {} } = request;
  const socket = await connected(request);
  const lines = Object.entries({ Host: 'ota.example.com', Connection: 'close', ...headers });
  const header = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.write(`${method} ${target} HTTP/${version}\r\n${header}\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return parse(Buffer.concat(chunks));
}

async function connected(request: RawRequest): Promise<Socket> {
  const { host = '127.0.0.1', port, https = true, cert, key, tls } = request;
  if (!https) {
    const socket = connectPlain(port, host);
    await once(socket, 'connect');
    return socket;
  }
  const own = cert && key ? { cert, key } : {};
  const socket = connectTls({ host, port, rejectUnauthorized: false, ...tls, ...own });
  await once(socket, 'secureConnect');
  return socket;
}

function parse(bytes: Buffer): RawAnswer {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) throw new Error(`no answer: ${bytes.toString('latin1').slice(0, 200)}`);
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(first)?.[1]);
  return {
    status,
    lines,
    body: bytes.subarray(end + 4),
    all: (name) =>
      lines
        .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        .map((line) => line.slice(name.length + 1).trim()),
  };
}
