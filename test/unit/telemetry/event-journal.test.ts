import { describe, expect, it } from 'vitest';
import { EventJournal, JOURNALED, journalLog } from '../../../src/telemetry/event-journal.js';
import { EVENTS } from '../../../src/telemetry/events.js';
import { recordingLog } from '../../support/silent.js';

const NOW = Date.parse('2026-01-31T12:00:00Z');

function journal(size?: number): EventJournal {
  return new EventJournal(() => NOW, size);
}

function added(into: EventJournal, count: number): void {
  for (let n = 1; n <= count; n++)
    into.add('info', { event: 'server-added', address: `10.0.0.${n}:80` }, 'x');
}

describe('EventJournal', () => {
  it('keeps the last events, with the time and an id', () => {
    const events = journal(3);
    added(events, 8);
    const { since, forgotten, events: kept } = events.read();
    expect(since).toBe('2026-01-31T12:00:00.000Z');
    expect(forgotten).toBe(5);
    expect(kept.map(({ address }) => address)).toEqual(['10.0.0.6:80', '10.0.0.7:80', '10.0.0.8:80']);
    expect(new Set(kept.map(({ id }) => id)).size).toBe(3);
  });

  it('tells what came after an event that it keeps, and nothing of one that it does not know', () => {
    const events = journal(3);
    added(events, 5);
    const [first, second, third] = events.read().events;
    expect(events.after(first?.id ?? '')).toEqual([second, third]);
    expect(events.after(third?.id ?? '')).toEqual([]);
    expect(events.after('other-3')).toBeUndefined();
    expect(events.after((third?.id ?? '').replace('-5', '-6'))).toBeUndefined();
    expect(events.after((third?.id ?? '').replace('-5', '-1'))).toBeUndefined();
    expect(events.after('')).toBeUndefined();
  });

  it('keeps no secret, however deep it is', () => {
    const events = journal();
    const password = 'hunter2';
    events.add('warn', { event: 'x', password, list: [{ a: { b: { token: password } } }] }, 'x');
    expect(JSON.stringify(events.read())).not.toContain(password);
    expect(events.read().events).toMatchObject([{ password: '(redacted)' }]);
  });

  it('makes untrusted text safe, and bounds it', () => {
    const events = journal();
    const addresses = Array.from({ length: 5_000 }, (_, n) => `10.0.0.1:${n}`);
    events.add('warn', { event: 'servers-held', addresses, reason: 'a\u001b[31m' }, 'held');
    const [event] = events.read().events;
    expect(event?.reason).toBe('a\\u001b[31m');
    expect(event?.addresses).toHaveLength(20);
  });

  it('calls those that follow it, until they end it', () => {
    const events = journal();
    const seen: unknown[] = [];
    const end = events.follow(({ address }) => seen.push(address));
    added(events, 1);
    end();
    added(events, 1);
    expect(seen).toEqual(['10.0.0.1:80']);
  });
});

describe('journalLog', () => {
  it('puts the journaled events into the journal, and everything into the log', () => {
    const events = journal();
    const log = recordingLog();
    const both = journalLog(log, events);
    both.info({ event: 'server-added', address: 'a' }, 'server added');
    both.warn({ event: 'config-suspicious' }, 'other');
    both.debug({ event: 'server-added' }, 'not journaled');
    expect(log.lines).toHaveLength(3);
    expect(events.read().events).toMatchObject([
      { event: 'server-added', level: 'info', address: 'a', message: 'server added' },
    ]);
  });

  it('knows only events of the table', () => {
    const names = new Set(EVENTS.map(({ name }) => name));
    expect([...JOURNALED].filter((name) => !names.has(name))).toEqual([]);
  });
});
