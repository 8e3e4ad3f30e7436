import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readServerSentEvents, type ServerSentEvent } from '../../../src/commands/server-sent-events.js';
import { type AdminServer, startAdminServer } from '../../../src/telemetry/admin-server.js';
import { EventJournal } from '../../../src/telemetry/event-journal.js';

let now = 0;
let journal: EventJournal;
let server: AdminServer;

beforeEach(async () => {
  now = Date.parse('2026-01-31T12:00:00Z');
  journal = new EventJournal(() => now, 3);
  const source = {
    healthy: () => true,
    ready: () => true,
    metrics: () => Promise.resolve({ text: '', contentType: 'text/plain' }),
    status: () => ({}),
    events: journal,
  };
  server = await startAdminServer({ host: '127.0.0.1', port: 0 }, source, () => now);
});
afterEach(() => server.close());

function happens(service?: string): void {
  journal.add('info', { event: 'server-added', ...(service && { service }) }, 'server added');
}

async function read(query = ''): Promise<unknown[]> {
  const response = await fetch(`${server.url}/events${query}`);
  const { events } = (await response.json()) as { events: { service?: string }[] };
  return events.map(({ service }) => service);
}

/** The first few messages of a stream; `opened` is called once it has begun. */
async function follow(
  count: number,
  { lastId, opened = () => {} }: { lastId?: string; opened?: () => void } = {},
): Promise<ServerSentEvent[]> {
  const headers = {
    accept: 'text/event-stream',
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  };
  const response = await fetch(`${server.url}/events`, { headers });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  opened();
  const found: ServerSentEvent[] = [];
  if (!response.body) return found;
  for await (const event of readServerSentEvents(response.body)) {
    found.push(event);
    if (found.length === count) break;
  }
  return found;
}

const services = (found: readonly ServerSentEvent[]) =>
  found.map(({ data }) => (JSON.parse(data) as { service?: string }).service);

describe('/events', () => {
  it('is JSON: all events, those of a service and those that concern all, those of the last time', async () => {
    happens('firmware');
    now += 60_000;
    happens('mqtt');
    happens();
    expect(await read()).toEqual(['firmware', 'mqtt', undefined]);
    expect(await read('?service=firmware')).toEqual(['firmware', undefined]);
    expect(await read('?last=30000')).toEqual(['mqtt', undefined]);
    expect(await read('?last=nonsense')).toHaveLength(3);
  });

  it('is a stream for those who ask for one: what was, and what happens', async () => {
    happens('firmware');
    const found = await follow(2, { opened: () => happens('mqtt') });
    expect(services(found)).toEqual(['firmware', 'mqtt']);
    const rest = await follow(1, { lastId: found[0]?.id ?? '' });
    expect(services(rest)).toEqual(['mqtt']);
  });

  it('says where events are missing: those of before a restart, and those that it has forgotten', async () => {
    for (const service of ['a', 'b', 'c', 'd', 'e']) happens(service);
    const [reset, ...found] = await follow(4, { lastId: 'other-1' });
    expect(reset?.event).toBe('reset');
    expect(services(found)).toEqual(['c', 'd', 'e']);
  });

  it('refuses a follower too many, and takes one when another has gone', async () => {
    const controllers = Array.from({ length: 32 }, () => new AbortController());
    for (const { signal } of controllers) await fetch(`${server.url}/events?follow`, { signal });
    expect((await fetch(`${server.url}/events?follow`)).status).toBe(503);
    expect((await fetch(`${server.url}/events`)).status).toBe(200);
    for (const controller of controllers) controller.abort();
    let status = 503;
    while (status === 503) {
      const last = new AbortController();
      ({ status } = await fetch(`${server.url}/events?follow`, { signal: last.signal }));
      last.abort();
    }
    expect(status).toBe(200);
  });
});
