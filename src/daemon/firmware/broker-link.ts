import { deriveAbort, withTimeout } from '../../async/abort.js';
import { backoff } from '../../async/backoff.js';
import { sleep } from '../../async/sleep.js';
import { Wakeup } from '../../async/wakeup.js';
import type { Address } from '../../core/address.js';
import { defined } from '../../core/defined.js';
import { messageOf } from '../../core/errors.js';
import type { Clock, Log } from '../../core/ports.js';
import {
  type Announcement,
  decodeAnnouncement,
  encodeAnnouncement,
  topicOf,
} from '../../firmware/announcement.js';
import type { BrokerSession, Brokers } from '../../firmware/ports.js';

export const BROKER_STATES = ['pending', 'in-sync', 'unavailable'] as const;

/** Whether one broker has what is announced. Plain JSON. */
export interface AnnouncedTo {
  readonly broker: string;
  readonly state: (typeof BROKER_STATES)[number];
  /** Why it could not be told last. */
  readonly error?: string;
}

interface BrokerLinkPorts {
  readonly brokers: Brokers;
  readonly log: Log;
  readonly clock: Clock;
  /** Called whenever the state has changed. */
  readonly onChange: () => void;
  readonly random?: () => number;
}

/**
 * How long after a change, or after a session has begun, messages are compared, in ms: the broker has sent what it retains
 * by then, NGINX has been told, several changes count as one, and of several watchers the first one publishes.
 */
const SETTLE = { min: 500, max: 1_500 };
/** How long a broker may take to answer, in ms. */
const ANSWER_TIMEOUT = 10_000;
const RETRY = { min: 1_000, max: 60_000 };
/** After a session that lasted this long, in ms, the waits between attempts begin anew. */
const LASTING = 60_000;
/** How often messages are compared although nothing has changed, in ms. */
const RECHECK = 60_000;

/**
 * Keeps the retained messages of one broker as they are announced. A message that is there already is left alone, and
 * in one session each announcement is made at most once, so that two publishers that disagree do not overwrite each
 * other for ever.
 */
export class BrokerLink {
  readonly #broker: Address;
  readonly #announcements: () => ReadonlyMap<string, Announcement>;
  readonly #ports: BrokerLinkPorts;
  readonly #wakeup = new Wakeup();
  /** What the broker has retained, by topic. */
  readonly #retained = new Map<string, Announcement>();
  /** What was last announced in this session, by topic. */
  readonly #announced = new Map<string, Announcement>();
  readonly #subscribed = new Set<string>();
  #state: AnnouncedTo['state'] = 'pending';
  #error: string | undefined;

  /** @param announcements What is to be announced, by type, as it is now. */
  constructor(
    broker: Address,
    announcements: () => ReadonlyMap<string, Announcement>,
    ports: BrokerLinkPorts,
  ) {
    this.#broker = broker;
    this.#announcements = announcements;
    this.#ports = ports;
  }

  get status(): AnnouncedTo {
    return defined({ broker: this.#broker, state: this.#state, error: this.#error });
  }

  /** What is to be announced has changed. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Runs until the signal is aborted. An unavailable broker is tried again. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#ports;
    let failures = 0;
    while (!signal.aborted) {
      const begun = clock();
      try {
        await this.#session(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (clock() - begun >= LASTING) failures = 0;
        this.#failed(messageOf(error), failures++);
        await sleep(backoff(failures, RETRY, random), signal);
      }
    }
  }

  #failed(reason: string, before: number): void {
    this.#become('unavailable', reason);
    if (before > 0) return;
    const fields = { event: 'firmware-announce-failed', broker: this.#broker, reason };
    this.#ports.log.warn(fields, 'a broker cannot be told what devices are offered; retrying');
  }

  /** One session, from its beginning to its end. Rejects where the broker ends it, and when aborted. */
  async #session(signal: AbortSignal): Promise<void> {
    for (const known of [this.#retained, this.#announced, this.#subscribed]) known.clear();
    const session = await this.#ports.brokers.connect(
      this.#broker,
      (topic, payload) => this.#received(topic, payload),
      signal,
    );
    const open = deriveAbort(signal);
    void session.ended.then(() => open.abort(new Error('the broker ended the session')));
    try {
      for (;;) {
        await this.#settle(session, open.signal);
        await this.#wakeup.wait(RECHECK, open.signal);
        open.signal.throwIfAborted();
      }
    } finally {
      open.dispose();
      await session.close();
    }
  }

  #received(topic: string, payload: string): void {
    if (!this.#subscribed.has(topic)) return;
    const announcement = decodeAnnouncement(payload);
    if (announcement === undefined) this.#retained.delete(topic);
    else this.#retained.set(topic, announcement);
  }

  /** Announces what the broker does not have. */
  async #settle(session: BrokerSession, signal: AbortSignal): Promise<void> {
    const { random = Math.random } = this.#ports;
    const topics = [...this.#announcements().keys()].map(topicOf);
    const others = topics.filter((topic) => !this.#subscribed.has(topic));
    if (others.length > 0) {
      for (const topic of others) this.#subscribed.add(topic);
      await withTimeout(ANSWER_TIMEOUT, signal, (limited) => session.subscribe(others, limited));
    }
    await sleep(SETTLE.min + random() * (SETTLE.max - SETTLE.min), signal);
    for (const [type, announcement] of this.#announcements()) {
      signal.throwIfAborted();
      await this.#announce(type, announcement, session, signal);
    }
    this.#become('in-sync');
  }

  #become(state: AnnouncedTo['state'], error?: string): void {
    const before = this.#state;
    this.#state = state;
    this.#error = error;
    if (before === state) return;
    this.#ports.onChange();
    if (before === 'unavailable') {
      const fields = { event: 'firmware-announce-recovered', broker: this.#broker };
      this.#ports.log.info(fields, 'a broker has been told again what devices are offered');
    }
  }

  async #announce(
    type: string,
    announcement: Announcement,
    session: BrokerSession,
    signal: AbortSignal,
  ): Promise<void> {
    const topic = topicOf(type);
    if (isSame(this.#announced.get(topic), announcement)) return;
    this.#announced.set(topic, announcement);
    if (isSame(this.#retained.get(topic), announcement)) return;
    const payload = encodeAnnouncement(announcement);
    await withTimeout(ANSWER_TIMEOUT, signal, (limited) => session.retain(topic, payload, limited));
    const fields = { event: 'firmware-announced', broker: this.#broker, type, ...announcement };
    this.#ports.log.info(fields, 'a broker has a new announcement for devices');
  }
}

/** Whether announcements differ only in the time over which devices are to ask: who got one does not need the other. */
function isSame(known: Announcement | undefined, { version, revision }: Announcement): boolean {
  return known?.version === version && known.revision === revision;
}
