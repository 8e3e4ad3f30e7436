/** A TCP proxy inside the test's process that spoils connections as networks and hosts do, each direction by itself. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** `up` is from the client to the target, `down` the way back. */
export type Direction = 'up' | 'down';

/**
 * What happens to the bytes of one direction: they pass, after `delay` ms, or at most `rate` of them a second; they wait until they pass again (`freeze`: a
 * stopped process); or they are lost (`drop`: a path that loses every packet, which TCP never gets over in a test's time).
 */
type Flow =
  | { readonly mode: 'pass'; readonly delay: number }
  | { readonly mode: 'throttle'; readonly rate: number }
  | { readonly mode: 'freeze' | 'drop' };

const PASS: Flow = { mode: 'pass', delay: 0 };

interface Connection {
  readonly client: Socket;
  readonly target: Socket;
  /** Frozen by itself, whatever the others do. */
  frozen: boolean;
  /** For each direction, what is to be done once what came before is done. */
  readonly queues: Record<Direction, Queue>;
}

/** Does things at their time and in the order in which they were asked for, at once where nothing waits. */
class Queue {
  #waiting = 0;
  #last: Promise<void> = Promise.resolve();

  /** @param due When it is to be done at the earliest, by `performance.now()`. */
  add(due: number, action: () => void): void {
    if (this.#waiting === 0 && due <= performance.now()) {
      action();
      return;
    }
    this.#waiting++;
    this.#last = this.#last
      .then(() => delay(Math.max(0, due - performance.now()), undefined, { ref: false }))
      .then(() => {
        this.#waiting--;
        action();
      });
  }
}

interface Target {
  readonly host: string;
  readonly port: number;
}

export class TcpProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: () => Target;
  readonly #connections = new Set<Connection>();
  readonly #flows: Record<Direction, Flow> = { up: PASS, down: PASS };
  /** When each direction's throttled line is free for the next byte, in ms. */
  readonly #freeAt: Record<Direction, number> = { up: 0, down: 0 };
  #refused: (from: string) => boolean = () => false;
  /** Changes the bytes that pass, or ends their connection; undefined: they pass as they are. */
  spoil: ((direction: Direction, chunk: Buffer) => Buffer | 'cut') | undefined;
  /** Connections accepted so far. */
  accepted = 0;
  /** Bytes received so far of each direction, lost ones included. */
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 };

  private constructor(target: Target | (() => Target)) {
    this.#target = typeof target === 'function' ? target : () => target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Listens on a free port, of the loopback interface unless told otherwise, in front of the target. */
  static async start(target: Target | (() => Target), host = '127.0.0.1'): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, host, resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `host:port` */
  get address(): string {
    return `${(this.#server.address() as AddressInfo).address}:${this.port}`;
  }

  /** Open connections. */
  get open(): number {
    return this.#connections.size;
  }

  /** Every byte is passed on only after this long, in ms. */
  delay(ms: number, ...directions: Direction[]): void {
    this.#set({ mode: 'pass', delay: ms }, directions);
  }

  /** A line of so many bytes a second, which all connections share. */
  throttle(rate: number, ...directions: Direction[]): void {
    this.#set({ mode: 'throttle', rate }, directions);
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

  /** Resets the connections from some addresses, all of them by default, and every new one, until `heal`. */
  refuse(from: (address: string) => boolean = () => true): void {
    this.#refused = from;
    for (const { client } of this.#connections)
      if (from(client.remoteAddress ?? '')) client.resetAndDestroy();
  }

  /** Everything passes again. */
  heal(): void {
    const lossy = this.#flows.up.mode === 'drop' || this.#flows.down.mode === 'drop';
    this.#refused = () => false;
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
    if (this.#refused(client.remoteAddress ?? '')) {
      client.resetAndDestroy();
      return;
    }
    this.accepted++;
    const connection = {
      client,
      target: connect(this.#target()),
      frozen: false,
      queues: { up: new Queue(), down: new Queue() },
    };
    this.#connections.add(connection);
    this.#pump('up', client, connection.target, connection);
    this.#pump('down', connection.target, client, connection);
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

  #pump(direction: Direction, source: Socket, sink: Socket, connection: Connection): void {
    source.on('data', (chunk) => {
      this.bytes[direction] += chunk.length;
      const passed = this.spoil?.(direction, chunk) ?? chunk;
      if (passed === 'cut') return source.resetAndDestroy();
      const flow = this.#flows[direction];
      const queue = connection.queues[direction];
      if (flow.mode === 'drop') return;
      if (flow.mode !== 'throttle') return queue.add(this.#due(flow), () => sink.write(passed));
      // Nothing more is taken from the sender before this has gone out, so that TCP slows it down.
      source.pause();
      queue.add(this.#occupy(direction, passed.length, flow.rate), () => {
        sink.write(passed);
        this.#regulate(connection, direction);
      });
    });
    source.on('end', () => {
      const flow = this.#flows[direction];
      if (flow.mode !== 'drop') connection.queues[direction].add(this.#due(flow), () => sink.end());
    });
  }

  #due(flow: Flow): number {
    return performance.now() + (flow.mode === 'pass' ? flow.delay : 0);
  }

  /** Takes the line for so many bytes; returns when they are through. */
  #occupy(direction: Direction, bytes: number, rate: number): number {
    const now = performance.now();
    const until = Math.max(now, this.#freeAt[direction]) + (bytes / rate) * 1000;
    this.#freeAt[direction] = until;
    return until;
  }
}
