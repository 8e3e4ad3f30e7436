import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createProbe } from '../../../../src/adapters/probes/create-probe.js';
import type { ProbeSpec } from '../../../../src/adapters/probes/spec.js';
import { Authority } from '../../../support/certificates.js';
import { until } from '../../../support/containers/until.js';
import * as servers from './servers.js';

const NEVER = new AbortController().signal;
const authority = new Authority();
const server = authority.issue('localhost');
const client = authority.issue('client');
afterAll(() => authority[Symbol.dispose]());

const { ca } = authority;
const mutual = { ...server, ca, requestCert: true, rejectUnauthorized: true };

function run(spec: ProbeSpec, signal = NEVER): Promise<void> {
  return createProbe(spec)(signal);
}

/** A port on which nothing listens. */
async function closedTarget(): Promise<string> {
  await using listening = await servers.tcp();
  return listening.target;
}

describe.each(['http', 'tcp', 'mqtt'] as const)('a probe of type %s', (type) => {
  it('fails where nothing listens', async () => {
    await expect(run({ type, target: await closedTarget() })).rejects.toThrow('ECONNREFUSED');
  });

  it('fails when the connection is closed at once', async () => {
    await using listening = await servers.tcp((socket) => socket.resetAndDestroy());
    // A plain TCP probe may well see the connection opened before it is reset.
    if (type !== 'tcp') await expect(run({ type, target: listening.target })).rejects.toThrow();
  });

  it('rejects with the reason of its signal when the server hangs', async () => {
    await using listening = await servers.tcp();
    const spec =
      type === 'tcp' ? { type, target: listening.target, tls: {} } : { type, target: listening.target };
    const limit = new AbortController();
    const outcome = run(spec, limit.signal);
    const reason = new Error('too late');
    await until('it is connected', () => listening.connections() > 0);

    limit.abort(reason);

    await expect(outcome).rejects.toBe(reason);
  });

  it('does not begin when its signal is aborted already', async () => {
    await using listening = await servers.tcp();
    await expect(run({ type, target: listening.target }, AbortSignal.abort(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(listening.connections()).toBe(0);
  });
});

describe('the http probe', () => {
  const answering = (status: number) => servers.http((_, response) => response.writeHead(status).end());

  it.each([200, 204, 301, 399])('succeeds for the status %i', async (status) => {
    await using listening = await answering(status);
    await expect(run({ type: 'http', target: listening.target })).resolves.toBeUndefined();
  });

  it.each([400, 404, 500, 503])('fails for the status %i', async (status) => {
    await using listening = await answering(status);
    await expect(run({ type: 'http', target: listening.target })).rejects.toThrow(
      `answered with status ${status}`,
    );
  });

  it('succeeds for the configured statuses, and no other', async () => {
    await using teapot = await answering(418);
    await using good = await answering(200);
    await expect(run({ type: 'http', target: teapot.target, status: [418] })).resolves.toBeUndefined();
    await expect(run({ type: 'http', target: good.target, status: [418] })).rejects.toThrow('200');
  });

  it('sends its method, path and headers', async () => {
    const seen: unknown[] = [];
    await using listening = await servers.http(({ method, url, headers }, response) => {
      seen.push([method, url, headers.host, headers['x-probe'], headers['user-agent']]);
      response.end();
    });
    await run({
      type: 'http',
      target: listening.target,
      path: '/health?deep=1',
      method: 'HEAD',
      headers: { host: 'fw.example', 'x-probe': '1' },
    });

    expect(seen).toEqual([['HEAD', '/health?deep=1', 'fw.example', '1', 'sidekick']]);
  });

  it('opens a new connection each time', async () => {
    await using listening = await answering(200);
    const probe = createProbe({ type: 'http', target: listening.target });
    await probe(NEVER);
    await probe(NEVER);
    expect(listening.connections()).toBe(2);
  });

  it('does not wait for a body that never ends', async () => {
    await using listening = await servers.http((_, response) => response.writeHead(200).write('…'));
    await expect(run({ type: 'http', target: listening.target })).resolves.toBeUndefined();
  });

  it('fails on an answer that is not HTTP', async () => {
    await using listening = await servers.tcp((socket) => socket.end('220 mail ready\r\n'));
    await expect(run({ type: 'http', target: listening.target })).rejects.toThrow();
  });
});

describe('a probe over TLS', () => {
  const cases = [
    ['http', () => servers.http((_, response) => response.end(), server)],
    ['tcp', () => servers.tcp(undefined, server)],
    ['mqtt', () => servers.broker({ tls: server })],
  ] as const;

  it.each(cases)('trusts with the type %s the given authority', async (type, start) => {
    await using listening = await start();
    await expect(run({ type, target: listening.target, tls: { ca } })).resolves.toBeUndefined();
  });

  it.each(cases)(
    'refuses with the type %s a certificate of an unknown authority, unless configured to accept any',
    async (type, start) => {
      await using listening = await start();
      await expect(run({ type, target: listening.target, tls: {} })).rejects.toThrow(/certificate/i);
      await expect(run({ type, target: listening.target, tls: { insecure: true } })).resolves.toBeUndefined();
    },
  );

  it.each(cases)('expects with the type %s the given server name', async (type, start) => {
    await using listening = await start();
    const probe = (serverName: string) => run({ type, target: listening.target, tls: { ca, serverName } });
    await expect(probe('localhost')).resolves.toBeUndefined();
    await expect(probe('elsewhere.example')).rejects.toThrow(/altnames/);
  });

  it('sends its certificate to a server that asks for one', async () => {
    await using listening = await servers.http((_, response) => response.end(), mutual);
    const probe = (tls: object) => run({ type: 'http', target: listening.target, tls: { ca, ...tls } });
    await expect(probe(client)).resolves.toBeUndefined();
    await expect(probe({})).rejects.toThrow();
  });
});

describe('the mqtt probe', () => {
  it.each([4, 5] as const)('opens a session and closes it again with version %i', async (version) => {
    await using broker = await servers.broker();

    await run({ type: 'mqtt', target: broker.target, version, username: 'probe', password: 'secret' });

    await until('DISCONNECT has come', () => broker.commands.length > 1);
    expect(broker.commands).toEqual(['connect', 'disconnect']);
    expect(broker.connects[0]).toMatchObject({
      protocolId: 'MQTT',
      protocolVersion: version,
      clean: true,
      username: 'probe',
      password: Buffer.from('secret'),
    });
  });

  it('uses another ClientId each time, of a length that every broker accepts', async () => {
    await using broker = await servers.broker();
    await run({ type: 'mqtt', target: broker.target });
    await run({ type: 'mqtt', target: broker.target });

    const ids = broker.connects.map(({ clientId }) => clientId);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[0-9a-zA-Z]{1,23}$/);
  });

  it.each([
    [4, 5],
    [5, 135],
  ] as const)('fails when version %i is refused with code %i', async (version, code) => {
    await using broker = await servers.broker({ code });
    await expect(run({ type: 'mqtt', target: broker.target, version })).rejects.toThrow(`with code ${code}`);
  });

  it('fails when the broker closes the connection instead of answering', async () => {
    await using listening = await servers.tcp((socket) => socket.once('data', () => socket.end()));
    await expect(run({ type: 'mqtt', target: listening.target })).rejects.toThrow('closed');
  });

  it('fails on an answer other than CONNACK', async () => {
    await using listening = await servers.tcp((socket) => socket.write(Buffer.from([0xd0, 0x00])));
    await expect(run({ type: 'mqtt', target: listening.target })).rejects.toThrow('not CONNACK');
  });

  it.each([
    ['one of 256 MB', 4, [0x20, 0xff, 0xff, 0xff, 0x7f]],
    ['one of 256 MB, of version 5', 5, [0x20, 0xff, 0xff, 0xff, 0x7f]],
    ['one byte too many', 4, [0x20, 0x03, 0x00, 0x00, 0x00]],
    ['65,537 bytes', 5, [0x20, 0x81, 0x80, 0x04]],
    ['a length that does not end', 5, [0x20, 0x80, 0x80, 0x80, 0x80, 0x80]],
  ] as const)('rejects a CONNACK with an impossible length: %s', async (_, version, header) => {
    let sent = 0;
    await using listening = await servers.tcp((socket) => {
      socket.write(Buffer.from(header));
      const pour = () => {
        while (socket.writable && socket.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      socket.on('drain', pour).on('error', () => {});
      pour();
    });
    await expect(run({ type: 'mqtt', target: listening.target, version })).rejects.toThrow(/CONNACK/);
    // What fits into the buffers of the system, and nothing near to what was announced.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('accepts a CONNACK of version 5 with many properties, in pieces', async () => {
    const property = Buffer.concat([
      Buffer.from([0x26, 0x00, 0x01, 0x6b, 0x03, 0xe8]),
      Buffer.alloc(1_000, 'v'),
    ]);
    const properties = Buffer.concat(Array(20).fill(property));
    const length = (n: number) => [
      (n & 0x7f) | 0x80,
      (n >> 7) | (n >> 14 ? 0x80 : 0),
      ...(n >> 14 ? [n >> 14] : []),
    ];
    const body = Buffer.concat([Buffer.from([0, 0, ...length(properties.length)]), properties]);
    const packet = Buffer.concat([Buffer.from([0x20, ...length(body.length)]), body]);
    await using listening = await servers.tcp((socket) => {
      socket.once('data', () => {
        socket.write(packet.subarray(0, 2));
        setTimeout(() => socket.write(packet.subarray(2, 5_000)), 20);
        setTimeout(() => socket.write(packet.subarray(5_000)), 40);
      });
    });
    await expect(run({ type: 'mqtt', target: listening.target, version: 5 })).resolves.toBeUndefined();
  });

  it('fails on an answer other than MQTT', async () => {
    await using listening = await servers.tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await expect(run({ type: 'mqtt', target: listening.target })).rejects.toThrow();
  });
});

describe('the mqtt probe that keeps its session', () => {
  const lasting = { type: 'mqtt', clientId: 'sidekick1', lasting: true, strangersRefused: true } as const;

  it('opens one session, as one client, and pings it from then on', async () => {
    await using broker = await servers.broker();
    const probe = createProbe({ ...lasting, target: broker.target });
    for (let i = 0; i < 5; i++) await probe(NEVER);
    probe.close?.();
    await until('DISCONNECT has come', () => broker.commands.includes('disconnect'));
    expect(broker.commands).toEqual(['connect', ...Array(4).fill('pingreq'), 'disconnect']);
    expect(broker.connects).toMatchObject([{ clientId: 'sidekick1' }]);
  });

  it('fails when the broker is gone, and opens a new session when it is back', async () => {
    const broker = await servers.broker();
    const probe = createProbe({ ...lasting, target: broker.target });
    await probe(NEVER);
    await broker[Symbol.asyncDispose]();
    await expect(probe(NEVER)).rejects.toThrow();
    await expect(probe(NEVER)).rejects.toThrow('ECONNREFUSED');
    await using again = await servers.broker({
      port: Number(broker.target.split(':').at(-1)),
    });
    await expect(probe(NEVER)).resolves.toBeUndefined();
    expect(again.connects).toHaveLength(1);
    probe.close?.();
  });

  it('fails when the broker does not answer its ping in time, and starts again', async () => {
    let frozen = false;
    await using broker = await servers.broker({ isFrozen: () => frozen });
    const probe = createProbe({ ...lasting, target: broker.target });
    await probe(NEVER);
    frozen = true;
    const limit = new AbortController();
    const outcome = probe(limit.signal);
    limit.abort(new Error('too late'));
    await expect(outcome).rejects.toThrow('too late');
    frozen = false;
    await expect(probe(NEVER)).resolves.toBeUndefined();
    expect(broker.connects).toHaveLength(2);
    probe.close?.();
  });

  it.each([
    [4, 5],
    [4, 4],
    [5, 135],
  ] as const)(
    'counts a broker of version %i that refuses strangers with code %i as alive',
    async (version, code) => {
      await using broker = await servers.broker({ code });
      await expect(run({ ...lasting, target: broker.target, version })).resolves.toBeUndefined();
    },
  );

  it('fails when a broker says that it is unavailable', async () => {
    await using broker = await servers.broker({ code: 3 });
    await expect(run({ ...lasting, target: broker.target })).rejects.toThrow('with code 3');
  });
});

describe('the exec probe', () => {
  it('succeeds for the exit code 0, and no other', async () => {
    await expect(run({ type: 'exec', command: ['true'] })).resolves.toBeUndefined();
    await expect(run({ type: 'exec', command: ['sh', '-c', 'exit 3'] })).rejects.toThrow('sh ended with 3');
  });

  it('passes arguments and variables to the program unchanged', async () => {
    const command: [string, ...string[]] = [
      'sh',
      '-c',
      'test "$1" = "a b; exit 1" && test "$V" = x',
      'sh',
      'a b; exit 1',
    ];
    await expect(run({ type: 'exec', command, env: { V: 'x' } })).resolves.toBeUndefined();
  });

  it('fails when the program does not exist', async () => {
    await expect(run({ type: 'exec', command: ['/no/such/program'] })).rejects.toThrow('could not be run');
  });

  it('kills the program and its children when its time is over', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'sidekick-exec-')), 'pid');
    const limit = new AbortController();
    const outcome = run(
      { type: 'exec', command: ['sh', '-c', 'sleep 1000 & echo $! > "$F"; wait'], env: { F: file } },
      limit.signal,
    );
    const pid = await until('the program runs', () => existsSync(file) && readFileSync(file, 'utf8').trim());
    const reason = new Error('too late');

    limit.abort(reason);

    await expect(outcome).rejects.toBe(reason);
    await until('its child is gone', () => {
      // A zombie that nobody has reaped yet has run its last.
      return !existsSync(`/proc/${pid}`) || / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    });
  });
});
