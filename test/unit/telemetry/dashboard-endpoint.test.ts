import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readServerSentEvents } from '../../../src/commands/server-sent-events.js';
import { type AdminServer, startAdminServer } from '../../../src/telemetry/admin-server.js';
import type { DashboardMessage } from '../../../src/telemetry/dashboard-endpoint.js';
import { EventJournal } from '../../../src/telemetry/event-journal.js';

let journal: EventJournal;
let server: AdminServer;
let parts: Map<string, unknown>;
let reads: number;
let broken: boolean;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  journal = new EventJournal(() => 0);
  parts = new Map<string, unknown>([
    ['a', { value: 1 }],
    ['b', { value: 1 }],
  ]);
  reads = 0;
  broken = false;
  server = await startAdminServer(
    { host: '127.0.0.1', port: 0 },
    {
      healthy: () => true,
      ready: () => true,
      metrics: () => Promise.resolve({ text: '', contentType: 'text/plain' }),
      status: () => ({}),
      events: journal,
      dashboard: {
        parts: () => {
          if (broken) throw new Error('broken');
          reads++;
          return new Map(parts);
        },
        servers: () => undefined,
      },
    },
    () => 5,
  );
});
afterEach(async () => {
  await server.close();
  vi.useRealTimers();
});

const second = () => vi.advanceTimersByTime(1_000);

/** A browser that looks. */
class Looker {
  readonly #controller = new AbortController();
  #messages!: AsyncGenerator<{ data: string }, void>;
  #response!: Response;

  static async open(): Promise<Looker> {
    const looker = new Looker();
    looker.#response = await fetch(`${server.url}/dashboard/stream`, { signal: looker.#controller.signal });
    if (looker.#response.body) looker.#messages = readServerSentEvents(looker.#response.body);
    return looker;
  }

  get status(): number {
    return this.#response.status;
  }

  async next(): Promise<DashboardMessage> {
    const { value } = await this.#messages.next();
    return JSON.parse(value?.data ?? '') as DashboardMessage;
  }

  close(): void {
    this.#controller.abort();
  }
}

function happens(count: number): void {
  for (let i = 0; i < count; i++) journal.add('info', { event: 'server-added', i }, 'server added');
}

describe('the stream of the dashboard', () => {
  it('says all at first, and then what has changed', async () => {
    happens(2);
    const looker = await Looker.open();
    expect(await looker.next()).toMatchObject({
      now: 5,
      run: '1970-01-01T00:00:00.000Z',
      first: true,
      parts: { a: { value: 1 }, b: { value: 1 } },
      events: [{ i: 0 }, { i: 1 }],
    });
    parts.set('a', { value: 2 }).delete('b');
    parts.set('c', { value: 3 });
    happens(1);
    second();
    const { first, parts: changed, gone, events } = await looker.next();
    expect({ first, changed, gone, events: events?.length }).toEqual({
      changed: { a: { value: 2 }, c: { value: 3 } },
      gone: ['b'],
      events: 1,
    });
    second();
    expect(await looker.next()).toMatchObject({ parts: {} });
  });

  it('says what others were told to one who comes later', async () => {
    const early = await Looker.open();
    await early.next();
    parts.set('a', { value: 2 });
    second();
    await early.next();
    const late = await Looker.open();
    expect((await late.next()).parts).toMatchObject({ a: { value: 2 } });
  });

  it('sends many events at once as one message, the newest of them', async () => {
    const looker = await Looker.open();
    await looker.next();
    happens(1_000);
    second();
    const { events = [], skipped } = await looker.next();
    expect([events.length, skipped, events.at(-1)?.i]).toEqual([200, 800, 999]);
  });

  it('costs nothing while nobody looks, and the same however many do', async () => {
    second();
    happens(10);
    second();
    expect(reads).toBe(0);
    const lookers = await Promise.all([Looker.open(), Looker.open(), Looker.open()]);
    expect(reads).toBe(1);
    second();
    expect(reads).toBe(2);
    for (const looker of lookers) looker.close();
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(0));
    second();
    expect(reads).toBe(2);
  });

  it('is for 16 at a time', async () => {
    const lookers = await Promise.all(Array.from({ length: 16 }, () => Looker.open()));
    expect(lookers.map(({ status }) => status)).toEqual(Array.from({ length: 16 }, () => 200));
    expect((await Looker.open()).status).toBe(503);
  });

  it('ends, and the server goes on, where the parts cannot be made', async () => {
    const looker = await Looker.open();
    await looker.next();
    broken = true;
    second();
    await expect(looker.next()).rejects.toThrow();
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await Looker.open()).status).toBe(500);
  });
});
