import { sleep } from '../async/sleep.js';
import type { eventsScope } from '../config/events.js';
import { messageOf, SidekickError } from '../core/errors.js';
import { parseService } from '../core/keys.js';
import { printableJson } from '../core/printable.js';
import type { JournalExcerpt, JournaledEvent } from '../telemetry/event-journal.js';
import { ADMIN_ADVICE, askAdmin, readAdminToken } from './admin-client.js';
import type { InvocationOf } from './command.js';
import { eventText } from './events-text.js';
import { printLines } from './print-lines.js';
import { readServerSentEvents } from './server-sent-events.js';
import { untilInterrupted } from './until-interrupted.js';
import { argument } from './with-etcd.js';

/** How long to wait before a daemon that does not answer is asked again, in ms. */
const RETRY = 1_000;

type EventsInvocation = InvocationOf<typeof eventsScope>;

/** `sidekick events`. Resolves to 0; rejects if nothing answers. With --follow it goes on until it is interrupted. */
export async function events(invocation: EventsInvocation): Promise<number> {
  const { admin, adminTokenFile, follow, since } = invocation.config.values;
  const [service] = invocation.args;
  const query = new URLSearchParams();
  if (service !== undefined) query.set('service', argument('service', parseService(service)));
  if (since !== undefined) query.set('last', String(since));
  const url = `${admin}/events?${query.toString()}`;
  const source = { url, token: readAdminToken(adminTokenFile, invocation.sources.env) };
  await untilInterrupted((signal) =>
    follow ? followAll(source, invocation, signal) : readAll(source, invocation),
  );
  return 0;
}

/** Where events are read. */
interface EventSource {
  readonly url: string;
  readonly token: string | undefined;
}

async function readAll({ url, token }: EventSource, { config, out, err }: EventsInvocation): Promise<void> {
  const response = await askAdmin(url, { token });
  const excerpt: unknown = response.ok ? await response.json().catch(() => undefined) : undefined;
  if (!isExcerpt(excerpt)) {
    throw new SidekickError('ADMIN', `${config.values.admin} answers, but has no events: ${ADMIN_ADVICE}`);
  }
  for (const event of excerpt.events) print(event, config.values.json, out);
  const forgotten = excerpt.forgotten > 0 ? `; ${excerpt.forgotten} older ones are forgotten` : '';
  if (!config.values.json) printLines(err, `events since ${excerpt.since}, when it was started${forgotten}`);
}

/**
 * Prints the events as they happen, whether or not the daemon is restarted in between. Rejects when it is aborted, or when
 * nothing answers at first.
 */
async function followAll(
  source: EventSource,
  invocation: EventsInvocation,
  signal: AbortSignal,
): Promise<void> {
  const stream = new EventStream(source, invocation);
  let told = false;
  while (!signal.aborted) {
    try {
      for await (const event of stream.read(signal)) {
        told = false;
        print(event, invocation.config.values.json, invocation.out);
      }
    } catch (error) {
      // One that never answered is a wrong address; one that did comes back.
      if (!stream.hasAnswered) throw error;
      if (!told && !signal.aborted) printLines(invocation.err, messageOf(error));
      told = true;
    }
    await sleep(RETRY, signal);
  }
  signal.throwIfAborted();
}

/** The stream of a daemon's events, which goes on where it was cut off. */
class EventStream {
  hasAnswered = false;
  readonly #source: EventSource;
  readonly #err: NodeJS.WritableStream;
  #lastId: string | undefined;

  constructor(source: EventSource, { err }: Pick<EventsInvocation, 'err'>) {
    this.#source = source;
    this.#err = err;
  }

  /** The events after those that were read before. Ends when the connection does. */
  async *read(signal: AbortSignal): AsyncGenerator<JournaledEvent, void> {
    const last = this.#lastId === undefined ? {} : { 'last-event-id': this.#lastId };
    const { url, token } = this.#source;
    const headers = { accept: 'text/event-stream', ...last };
    const response = await askAdmin(url, { token, headers, signal });
    if (!response.ok || !response.body) {
      throw new SidekickError('ADMIN', `it does not show its events (${response.status}): ${ADMIN_ADVICE}`);
    }
    this.hasAnswered = true;
    for await (const { id, event, data } of readServerSentEvents(response.body)) {
      this.#lastId = id ?? this.#lastId;
      if (event === 'reset')
        printLines(this.#err, 'it was restarted, or has forgotten some: events are missing here');
      else yield JSON.parse(data) as JournaledEvent;
    }
  }
}

function print(event: JournaledEvent, json: boolean, out: NodeJS.WritableStream): void {
  if (json) out.write(`${printableJson(event)}\n`);
  else printLines(out, eventText(event));
}

function isExcerpt(answer: unknown): answer is JournalExcerpt {
  const { events: list } = (answer ?? {}) as { events?: unknown };
  return Array.isArray(list);
}
