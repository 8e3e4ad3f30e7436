import type { Log, WallClock } from '../core/ports.js';
import { boundedFields } from './bounded-fields.js';

/** How many events a journal keeps. */
const JOURNAL_SIZE = 1_000;

/** Addresses that one event names; a guard may hold thousands of servers at once. */
const ADDRESSES_NAMED = 20;

/** The events that change what a server gets, or that say why nothing changes: a subset of `EVENTS`. */
export const JOURNALED: ReadonlySet<string> = new Set([
  'daemon-started',
  'daemon-ready',
  'daemon-unready',
  'daemon-stopping',
  'config-reloaded',
  'server-added',
  'server-updated',
  'server-draining',
  'server-removed',
  'server-failed',
  'server-healthy',
  'server-unhealthy',
  'servers-held',
  'servers-unheld',
  'drain-deferred',
  'upstream-full',
  'upstream-unreadable',
  'service-unmapped',
  'service-limited',
  'registration-rejected',
  'unhold-requested',
  'nginx-connected',
  'nginx-unavailable',
  'nginx-refused',
  'nginx-reloaded',
  'etcd-connected',
  'etcd-unavailable',
  'etcd-refused',
  'instance-lost',
  'instance-healthy',
  'instance-unhealthy',
  'maintenance-started',
  'maintenance-ended',
  'lease-lost',
  'key-superseded',
  'drain-started',
  'drain-finished',
  'drain-timed-out',
]);

/** An event as a journal keeps it: the fields of the log line, made safe to show. Plain JSON. */
export interface JournaledEvent {
  /** `<journal>-<number>`; the number grows by one with each event. */
  readonly id: string;
  /** ISO 8601, in UTC. */
  readonly time: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** Some events of a journal, the oldest first. */
export interface JournalExcerpt {
  /** When the journal began, ISO 8601: nothing is known of what was before. */
  readonly since: string;
  /** How many events it has forgotten because there were too many. */
  readonly forgotten: number;
  readonly events: readonly JournaledEvent[];
}

/** An event as it was logged: most are forgotten before anybody looks, so it is made fit to show only for those who do. */
interface RawEvent {
  readonly number: number;
  readonly at: number;
  readonly level: JournaledEvent['level'];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** The last events of a daemon, in memory: they end with the process. */
export class EventJournal {
  readonly #wallClock: WallClock;
  readonly #size: number;
  readonly #startedAt: number;
  readonly #name: string;
  readonly #listeners = new Set<(event: JournaledEvent) => void>();
  #events: RawEvent[] = [];
  #count = 0;

  /** @param size How many events are kept. */
  constructor(wallClock: WallClock, size = JOURNAL_SIZE) {
    this.#wallClock = wallClock;
    this.#size = size;
    this.#startedAt = wallClock();
    this.#name = this.#startedAt.toString(36);
  }

  add(level: JournaledEvent['level'], fields: Readonly<Record<string, unknown>>, message: string): void {
    const { event, addresses } = fields;
    if (typeof event !== 'string') return;
    this.#count++;
    const kept = Array.isArray(addresses)
      ? { ...fields, addresses: addresses.slice(0, ADDRESSES_NAMED) }
      : fields;
    const raw = { number: this.#count, at: this.#wallClock(), level, fields: kept, message };
    this.#events.push(raw);
    // Cut in large steps, so that one event costs what one event costs.
    if (this.#events.length >= 2 * this.#size) this.#events = this.#events.slice(-this.#size);
    if (this.#listeners.size === 0) return;
    const entry = this.#shown(raw);
    for (const listener of this.#listeners) listener(entry);
  }

  #shown({ number, at, level, fields, message }: RawEvent): JournaledEvent {
    return {
      ...boundedFields(fields),
      id: `${this.#name}-${number}`,
      time: new Date(at).toISOString(),
      level,
      event: String(fields.event),
      message,
    };
  }

  /** The events that it keeps. */
  read(): JournalExcerpt {
    const events = this.#events.slice(-this.#size);
    return {
      since: new Date(this.#startedAt).toISOString(),
      forgotten: this.#count - events.length,
      events: events.map((raw) => this.#shown(raw)),
    };
  }

  /** The events after the one with this id; undefined where that is not of this journal, or forgotten. */
  after(id: string): readonly JournaledEvent[] | undefined {
    const { events, forgotten } = this.read();
    const [name, digits = ''] = id.split('-');
    const number = Number(digits);
    if (name !== this.#name || !/^\d+$/.test(digits) || number < forgotten || number > this.#count) {
      return undefined;
    }
    return events.slice(number - forgotten);
  }

  /** Calls a listener with each event from now on. Returns a function that ends it. */
  follow(listener: (event: JournaledEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/** A log that also puts the lines of the journaled events into a journal, before any of them is suppressed. */
export function journalLog(log: Log, journal: EventJournal): Log {
  const journaled =
    (level: JournaledEvent['level']): Log['info'] =>
    (fields, message) => {
      if (JOURNALED.has(String(fields.event))) journal.add(level, fields, message);
      log[level](fields, message);
    };
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: journaled('info'),
    warn: journaled('warn'),
    error: journaled('error'),
  };
}
