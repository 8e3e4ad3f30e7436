import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../support/containers/until.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

/** Says back what it hears. */
const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
let proxy: TcpProxy;
let client: Socket;
let heard: string;

beforeAll(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
});
afterAll(() => echo.close());
beforeEach(async () => {
  proxy = await TcpProxy.start({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
  client = await open();
  heard = '';
  client.on('data', (chunk) => {
    heard += chunk.toString();
  });
});
afterEach(async () => {
  client.destroy();
  await proxy.close();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Not by `once`, which an ECONNRESET rejects. */
function closing(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

const hears = (text: string) => until(`"${text}" is heard`, () => heard === text);

describe('TcpProxy', () => {
  it('forwards bytes in both directions, and counts them', async () => {
    client.write('hello');
    await hears('hello');
    expect(proxy.bytes).toEqual({ up: 5, down: 5 });
    expect(proxy.open).toBe(1);
  });

  it('forwards no more bytes a second than configured, and all of them', async () => {
    proxy.throttle(100_000, 'down');
    const began = performance.now();
    client.write('x'.repeat(30_000));
    await until('all is heard', () => heard.length === 30_000);

    // It can only be later than this, however busy the machine is.
    expect(performance.now() - began).toBeGreaterThan(250);
  });

  it('holds bytes back in one direction until it is healed', async () => {
    proxy.freeze('down');
    client.write('hello');
    await until('it has gone up', () => proxy.bytes.up === 5);
    expect(proxy.bytes.down).toBe(0);

    proxy.heal();
    await hears('hello');
  });

  it('holds bytes back on new connections too', async () => {
    proxy.freeze('up');
    const late = await open();
    const answered = once(late, 'data');
    late.write('late');
    client.write('hello');
    await until('both are accepted', () => proxy.open === 2);
    expect(proxy.bytes.up).toBe(0);

    proxy.heal();
    await answered;
    late.destroy();
  });

  it('loses bytes, and closes the connections that lost some when it is healed', async () => {
    proxy.drop('up');
    client.write('hello');
    await until('it is lost', () => proxy.bytes.up === 5);
    const closed = closing(client);

    proxy.heal();

    await closed;
    expect(heard).toBe('');
  });

  it('keeps the order of delayed bytes', async () => {
    proxy.delay(20);
    for (const letter of 'abcdef') client.write(letter);
    await hears('abcdef');
  });

  it.each([
    ['delayed', () => proxy.delay(500)],
    ['throttled', () => proxy.throttle(100)],
  ])('keeps the order of %s bytes when it is healed while they are on their way', async (_, spoil) => {
    spoil();
    client.write('x'.repeat(50));
    await until('they are on their way', () => proxy.bytes.up === 50);
    proxy.heal();
    client.write('y');
    await hears(`${'x'.repeat(50)}y`);
  });

  it('closes open connections, and accepts new ones', async () => {
    client.write('hello');
    await hears('hello');
    const closed = closing(client);
    proxy.cut();
    await closed;

    client = await open();
    const answered = once(client, 'data');
    client.write('again');
    expect(String(await answered)).toBe('again');
  });

  it('refuses connections from some addresses', async () => {
    proxy.refuse((from) => from === '192.0.2.1');
    client.write('hello');
    await hears('hello');

    const closed = closing(client);
    proxy.refuse((from) => from.endsWith('127.0.0.1'));
    await closed;
  });
});
