import type { IncomingMessage, ServerResponse } from 'node:http';
import { printableJson } from '../core/printable.js';
import type { EventJournal, JournaledEvent } from './event-journal.js';

/** Most that follow the events at a time. */
const MOST_FOLLOWERS = 32;

/** How much may wait for a follower that does not read, in bytes; then it is cut off, and can ask again with its last id. */
const MOST_WAITING = 1 << 20;

/** How often a stream without events shows that it lives, in ms. */
const HEARTBEAT = 15_000;

/** Which events are asked for. */
interface EventQuery {
  /** Those of this service, and those that concern every service. Default: all. */
  readonly service?: string | undefined;
  /** Those of the last so many ms. Default: all. */
  readonly last?: number | undefined;
}

/**
 * Serves `/events`: JSON, or with `Accept: text/event-stream` or `?follow` server-sent events (WHATWG HTML, section 9.2) from
 * those that are kept on. A stream that is given the id of an event (`Last-Event-ID`) begins after it; where that is not
 * known any more it says `reset` and begins with the oldest.
 */
export class EventsEndpoint {
  readonly #journal: EventJournal;
  readonly #wallClock: () => number;
  #followers = 0;

  constructor(journal: EventJournal, wallClock: () => number) {
    this.#journal = journal;
    this.#wallClock = wallClock;
  }

  /** The answer to a request that follows nothing. */
  json(query: URLSearchParams): string {
    const excerpt = this.#journal.read();
    return `${printableJson({ ...excerpt, events: this.#select(excerpt.events, readQuery(query)) }, 2)}\n`;
  }

  get isFull(): boolean {
    return this.#followers >= MOST_FOLLOWERS;
  }

  /** Answers with a stream that ends with the connection. */
  follow(request: IncomingMessage, response: ServerResponse, parameters: URLSearchParams): void {
    const query = readQuery(parameters);
    const lastId = request.headers['last-event-id'];
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const known = typeof lastId === 'string' ? this.#journal.after(lastId) : undefined;
    if (lastId !== undefined && !known) response.write('event: reset\ndata: {}\n\n');
    else response.write(':\n\n');
    const send = (event: JournaledEvent) => {
      if (!concerns(event, query)) return;
      response.write(`id: ${event.id}\ndata: ${printableJson(event)}\n\n`);
      if (response.writableLength > MOST_WAITING) response.destroy();
    };
    for (const event of known ?? this.#select(this.#journal.read().events, query)) send(event);
    this.#followers++;
    const unfollow = this.#journal.follow(send);
    const heartbeat = setInterval(() => response.write(':\n\n'), HEARTBEAT);
    heartbeat.unref();
    response.once('close', () => {
      this.#followers--;
      clearInterval(heartbeat);
      unfollow();
    });
  }

  #select(events: readonly JournaledEvent[], query: EventQuery): readonly JournaledEvent[] {
    const from = query.last === undefined ? Number.NEGATIVE_INFINITY : this.#wallClock() - query.last;
    return events.filter((event) => concerns(event, query) && Date.parse(event.time) >= from);
  }
}

/** Whether a request wants a stream. */
export function wantsStream(request: IncomingMessage, query: URLSearchParams): boolean {
  return query.has('follow') || (request.headers.accept ?? '').includes('text/event-stream');
}

function concerns(event: JournaledEvent, { service }: EventQuery): boolean {
  return service === undefined || event.service === undefined || event.service === service;
}

function readQuery(parameters: URLSearchParams): EventQuery {
  const last = Number(parameters.get('last') ?? Number.NaN);
  return {
    service: parameters.get('service') ?? undefined,
    last: Number.isFinite(last) && last >= 0 ? last : undefined,
  };
}
