import type { ServerResponse } from 'node:http';

/** How much may wait for a follower that does not read, in bytes; then it is cut off, and may ask again. */
const MOST_WAITING = 1 << 20;

/** How often a stream without messages shows that it lives, in ms. */
const HEARTBEAT = 15_000;

/** One message of a stream. */
export interface StreamMessage {
  readonly id?: string;
  /** The field `event` of the stream; default `message`. */
  readonly type?: string;
  /** On one line. */
  readonly data: string;
}

/** Streams of server-sent events (WHATWG HTML, section 9.2), of which there are only so many at a time. */
export class EventStreams {
  readonly #most: number;
  readonly #open = new Set<ServerResponse>();

  /** @param most How many may be open. */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= this.#most;
  }

  /**
   * Answers with a stream that ends with the connection. Returns what sends a message on it.
   * @param closed Called when it has ended.
   */
  open(
    response: ServerResponse,
    headers: Readonly<Record<string, string>>,
    closed: () => void,
  ): (message: StreamMessage) => void {
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(':\n\n');
    this.#open.add(response);
    const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT);
    heartbeat.unref();
    response.once('close', () => {
      this.#open.delete(response);
      clearInterval(heartbeat);
      closed();
    });
    return (message) => send(response, message);
  }

  /** Ends all of them. */
  end(): void {
    for (const response of this.#open) response.destroy();
  }
}

function send(response: ServerResponse, { id, type, data }: StreamMessage): void {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(type === undefined ? [] : [`event: ${type}`]),
    `data: ${data}`,
  ];
  response.write(`${lines.join('\n')}\n\n`);
  if (response.writableLength > MOST_WAITING) response.destroy();
}
