import { describe, expect, it } from 'vitest';
import { disconnect, INITIAL_STATE, partsBelow, receive } from '../../../../src/telemetry/dashboard/state.js';
import type { DashboardMessage } from '../../../../src/telemetry/dashboard-endpoint.js';
import type { JournaledEvent } from '../../../../src/telemetry/event-journal.js';

const RUN = '2026-01-31T12:00:00.000Z';

function message(content: Partial<DashboardMessage>): DashboardMessage {
  return { now: 10_000, run: RUN, parts: {}, ...content };
}

function event(id: string): JournaledEvent {
  return { id, time: RUN, level: 'info', event: 'server-added', message: 'server added' };
}

const names = (state: { readonly parts: ReadonlyMap<string, unknown> }) => [...state.parts.keys()];

describe('what the page knows', () => {
  it('is the parts as they were last told', () => {
    const one = receive(INITIAL_STATE, message({ first: true, parts: { a: 1, b: 2 } }), 9_000);
    const two = receive(one, message({ parts: { a: 3 }, gone: ['b'] }), 9_500);
    expect([...two.parts]).toEqual([['a', 3]]);
    expect([one.connection, one.clockOffset, two.clockOffset]).toEqual(['live', 1_000, 500]);
    expect([...one.parts]).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('is nothing from before after the first message of a connection', () => {
    const one = receive(INITIAL_STATE, message({ first: true, parts: { a: 1, b: 2 } }), 0);
    expect(names(receive(one, message({ first: true, parts: { c: 1 } }), 0))).toEqual(['c']);
  });

  it('has parts by the beginning of their names, in order', () => {
    const parts = { 'nginx/b': 1, 'nginx/a': 2, watcher: 3, 'upstream/x': 4 };
    const state = receive(INITIAL_STATE, message({ first: true, parts }), 0);
    expect(partsBelow(state, 'nginx/')).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('has each event once, the newest first, and no more than 500', () => {
    const events = Array.from({ length: 600 }, (_, n) => event(`x-${n}`));
    const one = receive(INITIAL_STATE, message({ first: true, events: events.slice(0, 450) }), 0);
    const two = receive(one, message({ events: events.slice(400, 600), skipped: 3 }), 0);
    expect(two.events).toHaveLength(500);
    expect(new Set(two.events.map(({ id }) => id)).size).toBe(500);
    expect(two.events[0]?.id).toBe('x-599');
    expect([one.eventsMissing, two.eventsMissing]).toEqual([false, true]);
  });

  it('draws the rate of each upstream over the last two minutes, also while it stays the same', () => {
    const parts = { 'upstream/a': { rate: 1 }, 'upstream/b': {}, watcher: { rate: 9 } };
    let state = receive(INITIAL_STATE, message({ first: true, parts }), 0);
    state = receive(state, message({}), 0);
    state = receive(state, message({ parts: { 'upstream/a': { rate: 2 } } }), 0);
    expect([...state.rates]).toEqual([['upstream/a', [1, 1, 2]]]);
    for (let i = 0; i < 200; i++) state = receive(state, message({}), 0);
    expect(state.rates.get('upstream/a')).toHaveLength(120);
    expect([...receive(state, message({ gone: ['upstream/a'] }), 0).rates]).toEqual([]);
  });
});

describe('the connection', () => {
  it('is lost since it was first lost, and what was seen stays', () => {
    const live = receive(INITIAL_STATE, message({ first: true, parts: { a: 1 } }), 0);
    const lost = disconnect(disconnect(live, 'lost', 5_000), 'denied', 7_000);
    expect(lost).toMatchObject({ connection: 'denied', lostAt: 5_000 });
    expect(names(lost)).toEqual(['a']);
    expect(receive(lost, message({ first: true }), 8_000)).toMatchObject({
      connection: 'live',
      lostAt: undefined,
      restarted: false,
    });
  });

  it('says that the watcher was restarted, and keeps the events of before', () => {
    const before = receive(INITIAL_STATE, message({ first: true, events: [event('a-1')] }), 0);
    const after = receive(before, message({ first: true, run: 'later', events: [event('b-1')] }), 0);
    expect(after.restarted).toBe(true);
    expect(after.events.map(({ id }) => id)).toEqual(['b-1', 'a-1']);
  });
});
