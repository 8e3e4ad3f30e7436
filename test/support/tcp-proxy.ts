/** A TCP proxy inside the test's process that spoils connections as networks and hosts do, each direction by itself. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** `up` is from the client to the target, `down` the way back. */
export type Direction = 'up' | 'down';

/**
 * What happens to the bytes of one direction: they pass, after `delay` ms; they wait until they pass again (`freeze`: a
 * stopped process); or they are lost (`drop`: a path that loses every packet, which TCP never gets over in a test's time).
 */
type Flow = { readonly mode: 'pass'; readonly delay: number } | { readonly mode: 'freeze' | 'drop' };

const PASS: Flow = { mode: 'pass', delay: 0 };

interface Connection {
  readonly client: Socket;
  readonly target: Socket;
  /** Frozen by itself, whatever the others do. */
  frozen: boolean;
}

export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #connections = new Set<Connection>();
  readonly #flows: Record<Direction, Flow> = { up: PASS, down: PASS };
  #refusing = false;
  /** Connections accepted so far. */
  accepted = 0;
  /** Bytes received so far of each direction, lost ones included. */
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 };

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Listens on a free loopback port in front of `host:port`. */
  static async start(target: { host: string; port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Open connections. */
  get open(): number {
    return this.#connections.size;
  }

  /** Every byte is passed on only after this long, in ms. */
  delay(ms: number, ...directions: Direction[]): void {
    this.#set({ mode: 'pass', delay: ms }, directions);
  }

  /** Bytes wait, also those of new connections, until `heal`. */
  freeze(...directions: Direction[]): void {
    this.#set({ mode: 'freeze' }, directions);
  }

  /** Bytes wait on the connections that are open now, and pass on new ones. */
  freezeOpen(): void {
    for (const connection of this.#connections) {
      connection.frozen = true;
      this.#regulate(connection, 'up');
      this.#regulate(connection, 'down');
    }
  }

  /** Bytes are lost. A connection that lost some is of no use any more: `heal` ends it. */
  drop(...directions: Direction[]): void {
    this.#set({ mode: 'drop' }, directions);
  }

  /** Resets every connection. */
  cut(): void {
    for (const { client, target } of this.#connections) {
      client.resetAndDestroy();
      target.resetAndDestroy();
    }
  }

  /** Resets every connection, and every new one, until `heal`. */
  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  /** Everything passes again. */
  heal(): void {
    const lossy = this.#flows.up.mode === 'drop' || this.#flows.down.mode === 'drop';
    this.#refusing = false;
    if (lossy) this.cut();
    for (const connection of this.#connections) connection.frozen = false;
    this.#set(PASS, []);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #set(flow: Flow, directions: Direction[]): void {
    for (const direction of directions.length > 0 ? directions : (['up', 'down'] as const)) {
      this.#flows[direction] = flow;
      for (const connection of this.#connections) this.#regulate(connection, direction);
    }
  }

  #regulate({ client, target, frozen }: Connection, direction: Direction): void {
    const source = direction === 'up' ? client : target;
    if (frozen || this.#flows[direction].mode === 'freeze') source.pause();
    else source.resume();
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    this.accepted++;
    const connection = { client, target: connect(this.#target), frozen: false };
    this.#connections.add(connection);
    this.#pump('up', client, connection.target);
    this.#pump('down', connection.target, client);
    for (const socket of [client, connection.target]) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#connections.delete(connection);
        client.destroy();
        connection.target.destroy();
      });
    }
    this.#regulate(connection, 'up');
    this.#regulate(connection, 'down');
  }

  #pump(direction: Direction, source: Socket, sink: Socket): void {
    source.on('data', (chunk) => {
      this.bytes[direction] += chunk.length;
      this.#after(direction, () => sink.write(chunk));
    });
    source.on('end', () => this.#after(direction, () => sink.end()));
  }

  #after(direction: Direction, action: () => void): void {
    const flow = this.#flows[direction];
    if (flow.mode === 'drop') return;
    if (flow.mode === 'pass' && flow.delay > 0) setTimeout(action, flow.delay).unref();
    else action();
  }
}
