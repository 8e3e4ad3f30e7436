import type { IncomingMessage, ServerResponse } from 'node:http';
import { printableJson } from '../core/printable.js';
import type { EventJournal, JournaledEvent } from './event-journal.js';
import { EventStreams } from './event-streams.js';

/** Most that follow the events at a time. */
const MOST_FOLLOWERS = 32;

/** Which events are asked for. */
interface EventQuery {
  /** Those of this service, and those that concern every service. Default: all. */
  readonly service?: string | undefined;
  /** Those of the last so many ms. Default: all. */
  readonly last?: number | undefined;
}

/**
 * Serves `/events`: JSON, or with `Accept: text/event-stream` or `?follow` server-sent events from those that are kept on. A
 * stream that is given the id of an event (`Last-Event-ID`) begins after it; where that is not known any more it says `reset`
 * and begins with the oldest.
 */
export class EventsEndpoint {
  readonly #journal: EventJournal;
  readonly #wallClock: () => number;
  readonly #streams = new EventStreams(MOST_FOLLOWERS);

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
    return this.#streams.isFull;
  }

  /** Answers with a stream that ends with the connection. */
  follow(
    request: IncomingMessage,
    response: ServerResponse,
    parameters: URLSearchParams,
    headers: Readonly<Record<string, string>>,
  ): void {
    const query = readQuery(parameters);
    const lastId = request.headers['last-event-id'];
    const known = typeof lastId === 'string' ? this.#journal.after(lastId) : undefined;
    let unfollow = () => {};
    const send = this.#streams.open(response, headers, () => unfollow());
    if (lastId !== undefined && !known) send({ type: 'reset', data: '{}' });
    const show = (event: JournaledEvent) => {
      if (concerns(event, query)) send({ id: event.id, data: printableJson(event) });
    };
    for (const event of known ?? this.#select(this.#journal.read().events, query)) show(event);
    unfollow = this.#journal.follow(show);
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
