import type { ServerResponse } from 'node:http';
import { printableJson } from '../core/printable.js';
import { type DashboardFile, readDashboardFiles } from './dashboard-files.js';
import type { EventJournal, JournaledEvent } from './event-journal.js';
import { EventStreams, type StreamMessage } from './event-streams.js';

/** What the dashboard shows. */
export interface DashboardSource {
  /**
   * The page's parts by name, each plain JSON of bounded size. It is called once a second while somebody looks, and not at
   * all while nobody does.
   */
  parts(): ReadonlyMap<string, unknown>;
  /** Some servers of an upstream; undefined where there is no such upstream. */
  servers(query: ServersQuery): unknown;
}

export interface ServersQuery {
  readonly nginx: string;
  /** Such as `http/firmware`. */
  readonly upstream: string;
  /** How many are left out at first. */
  readonly from: number;
  readonly count: number;
  /** Only servers whose address has this in it. */
  readonly filter: string | undefined;
}

/** A message of the stream: what is new since the one before. */
export interface DashboardMessage {
  /** The time, in ms since the epoch. */
  readonly now: number;
  /** When the daemon was started, ISO 8601. Another one is another process, of which nothing is known yet. */
  readonly run: string;
  /** It is the first message: nothing from before counts. */
  readonly first?: true;
  /** The parts that are new or have changed. */
  readonly parts: Readonly<Record<string, unknown>>;
  /** The names of those that are gone. */
  readonly gone?: readonly string[];
  /** The events since, the oldest first. */
  readonly events?: readonly JournaledEvent[];
  /** How many events before them are left out, because there were too many at once. */
  readonly skipped?: number;
}

/** Most browsers that look at a time. */
const MOST_FOLLOWERS = 16;

/** How often what has changed is sent, in ms. */
const INTERVAL = 1_000;

/** Most events of one message. */
const MOST_EVENTS = 200;

/** Most servers that are sent at once. */
const MOST_SERVERS = 200;

/**
 * Serves the dashboard: its files, a stream of what has changed, and servers by the page. What is sent is worked out once a
 * second for all who look, and nothing is while nobody does.
 */
export class DashboardEndpoint {
  readonly files: ReadonlyMap<string, DashboardFile> = readDashboardFiles();
  readonly #source: DashboardSource;
  readonly #journal: EventJournal;
  readonly #wallClock: () => number;
  /** When the daemon was started, ISO 8601. */
  readonly #run: string;
  readonly #streams = new EventStreams(MOST_FOLLOWERS);
  readonly #senders = new Set<(message: StreamMessage) => void>();
  /** The parts as they were last sent, as JSON. */
  #sent: ReadonlyMap<string, string> = new Map();
  #events: JournaledEvent[] = [];
  #skipped = 0;
  #stop: (() => void) | undefined;

  constructor(source: DashboardSource, journal: EventJournal, wallClock: () => number) {
    this.#source = source;
    this.#journal = journal;
    this.#wallClock = wallClock;
    this.#run = journal.read().since;
  }

  get isFull(): boolean {
    return this.#streams.isFull;
  }

  /** Answers with a stream that ends with the connection. Throws where the parts cannot be made. */
  follow(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    if (this.#senders.size === 0) this.#start();
    const { events } = this.#journal.read();
    const first = this.#message({
      first: true,
      parts: this.#sent,
      events: events.slice(-MOST_EVENTS),
      skipped: Math.max(0, events.length - MOST_EVENTS),
    });
    const send = this.#streams.open(response, headers, () => {
      this.#senders.delete(send);
      if (this.#senders.size === 0) this.#stop?.();
    });
    this.#senders.add(send);
    send({ data: first });
  }

  /** Some servers, as JSON; undefined where there is no such upstream. */
  servers(query: URLSearchParams): string | undefined {
    const page = this.#source.servers({
      nginx: query.get('nginx') ?? '',
      upstream: query.get('upstream') ?? '',
      from: wholeNumber(query.get('from'), 0),
      count: Math.min(MOST_SERVERS, wholeNumber(query.get('count'), MOST_SERVERS)),
      filter: query.get('filter') || undefined,
    });
    return page === undefined ? undefined : printableJson(page);
  }

  #start(): void {
    this.#sent = this.#read();
    const unfollow = this.#journal.follow((event) => {
      this.#events.push(event);
      if (this.#events.length <= MOST_EVENTS) return;
      this.#events.shift();
      this.#skipped++;
    });
    const timer = setInterval(() => this.#sendChanges(), INTERVAL);
    timer.unref();
    this.#stop = () => {
      unfollow();
      clearInterval(timer);
      this.#forgetEvents();
      this.#stop = undefined;
    };
  }

  /** A defect ends the streams and not the daemon. */
  #sendChanges(): void {
    try {
      const now = this.#read();
      const parts = new Map([...now].filter(([name, json]) => this.#sent.get(name) !== json));
      const gone = [...this.#sent.keys()].filter((name) => !now.has(name));
      this.#sent = now;
      const data = this.#message({ parts, gone, events: this.#events, skipped: this.#skipped });
      this.#forgetEvents();
      for (const send of this.#senders) send({ data });
    } catch {
      this.#streams.end();
    }
  }

  #read(): ReadonlyMap<string, string> {
    return new Map([...this.#source.parts()].map(([name, part]) => [name, printableJson(part)]));
  }

  #forgetEvents(): void {
    this.#events = [];
    this.#skipped = 0;
  }

  /** A message as JSON. The parts are JSON already. */
  #message(content: {
    readonly first?: true;
    readonly parts: ReadonlyMap<string, string>;
    readonly gone?: readonly string[];
    readonly events: readonly JournaledEvent[];
    readonly skipped: number;
  }): string {
    const { first, parts, gone = [], events, skipped } = content;
    const rest: Omit<DashboardMessage, 'parts'> = {
      now: this.#wallClock(),
      run: this.#run,
      ...(first && { first }),
      ...(gone.length > 0 && { gone }),
      ...(events.length > 0 && { events }),
      ...(skipped > 0 && { skipped }),
    };
    const named = [...parts].map(([name, json]) => `${printableJson(name)}:${json}`);
    return `${printableJson(rest).slice(0, -1)},"parts":{${named.join(',')}}}`;
  }
}

function wholeNumber(text: string | null, fallback: number): number {
  return text !== null && /^\d{1,7}$/.test(text) ? Number(text) : fallback;
}
