import { describe, expect, it } from 'vitest';
import { INITIAL_STATE } from '../../../../src/telemetry/dashboard/state.js';
import { causeOf, entriesOf, sentenceOf, timeline } from '../../../../src/telemetry/dashboard/timeline.js';
import { JOURNALED, type JournaledEvent } from '../../../../src/telemetry/event-journal.js';
import { EVENTS } from '../../../../src/telemetry/events.js';
import { textOf } from '../support/text-of.js';

let number = 0;

function event(fields: Record<string, unknown>): JournaledEvent {
  return {
    id: `x-${number++}`,
    time: '2026-01-31T12:00:00.000Z',
    level: 'info',
    event: 'server-added',
    message: 'server added',
    nginx: 'lb',
    kind: 'http',
    upstream: 'firmware',
    because: 'its registration was written',
    ...fields,
  };
}

const address = (n: number) => `10.0.0.${n}:80`;
const first = (...events: readonly JournaledEvent[]) => {
  const [entry] = entriesOf(events, '');
  if (!entry) throw new Error('there is no entry');
  return entry;
};

describe('an event in the time line', () => {
  it.each([
    [{ address: address(1) }, '10.0.0.1:80 added to http/firmware', 'its registration was written'],
    [
      {
        event: 'server-removed',
        address: address(1),
        because: 'its lease expired or was revoked',
        reason: 'idle',
      },
      '10.0.0.1:80 removed from http/firmware',
      'its lease expired or was revoked (idle)',
    ],
    [
      {
        event: 'server-failed',
        address: address(1),
        because: 'its registration asks to drain',
        reason: 'status 500',
      },
      '10.0.0.1:80 not changed in http/firmware',
      'its registration asks to drain (status 500)',
    ],
    [
      { event: 'server-updated', address: address(1), changes: { weight: 3, down: true } },
      '10.0.0.1:80 changed in http/firmware',
      'weight=3, down=true: its registration was written',
    ],
    [
      { event: 'servers-held', addresses: [address(1), address(2)], count: 40, because: 'too many' },
      '40 servers held in http/firmware',
      'too many',
    ],
    [
      {
        event: 'server-unhealthy',
        kind: undefined,
        upstream: undefined,
        service: 'firmware',
        address: address(1),
        because: undefined,
        reason: 'refused',
      },
      '10.0.0.1:80 unhealthy (firmware)',
      'refused',
    ],
    [
      {
        event: 'nginx-unavailable',
        message: 'NGINX does not answer: retrying',
        because: undefined,
        reason: 'x',
      },
      'lb: NGINX does not answer: retrying',
      'x',
    ],
    [
      { event: 'daemon-ready', nginx: undefined, message: 'ready', because: undefined, summary: '3 servers' },
      'ready',
      '3 servers',
    ],
  ])('%o', (fields, sentence, cause) => {
    const entry = first(event(fields));
    expect([sentenceOf(entry), causeOf(entry.event)]).toEqual([sentence, cause]);
  });

  it('has a sentence whatever kind it is', () => {
    for (const { name } of EVENTS.filter((one) => JOURNALED.has(one.name))) {
      for (const fields of [{}, { address: address(1) }, { addresses: [] }, { upstream: undefined }]) {
        const sentence = sentenceOf(first(event({ event: name, message: 'a message', ...fields })));
        expect(sentence).toMatch(/\S/);
        expect(sentence).not.toContain('undefined');
      }
    }
  });
});

describe('what happens again and again', () => {
  it('becomes one entry of all their servers', () => {
    const events = [5, 4, 3, 2, 1].map((n) => event({ address: address(n) }));
    const [entry, ...others] = entriesOf(
      [...events, event({ event: 'server-draining', address: address(9) })],
      '',
    );
    expect(entry?.servers).toBe(5);
    expect([...(entry?.addresses ?? [])]).toEqual([5, 4, 3, 2, 1].map(address));
    expect(entry && sentenceOf(entry)).toBe('5 servers added to http/firmware');
    expect(others).toHaveLength(1);
  });

  it('becomes one entry where the same happened in several NGINX, which names the servers once', () => {
    const events = [1, 2].flatMap((n) =>
      ['lb-a', 'lb-b'].map((nginx) => event({ address: address(n), nginx })),
    );
    const [entry, ...others] = entriesOf(events, '');
    expect(others).toEqual([]);
    expect(entry?.servers).toBe(2);
    expect([...(entry?.nginx ?? [])]).toEqual(['lb-a', 'lb-b']);
  });

  it('has as many servers as the largest of the events says', () => {
    const held = (n: number, count: number) =>
      event({ event: 'servers-held', addresses: [address(n)], count });
    expect(sentenceOf(first(held(1, 30), held(2, 7)))).toBe('30 servers held in http/firmware');
  });

  it('stays apart where their causes or their groups differ', () => {
    const events = [
      event({ address: address(1) }),
      event({ address: address(1), because: 'other' }),
      event({ address: address(1), upstream: 'other' }),
    ];
    expect(entriesOf(events, '')).toHaveLength(3);
  });
});

describe('the time line', () => {
  it('shows what fits the filter, and no more than there is room for', () => {
    const events = Array.from({ length: 400 }, (_, n) => event({ address: address(n), because: `${n}` }));
    expect(entriesOf(events, '')).toHaveLength(100);
    expect(entriesOf(events, '10.0.0.25:').map(({ servers }) => servers)).toEqual([1]);
    expect(entriesOf(events, 'FIRMWARE', 7)).toHaveLength(7);
  });

  it('says where there is nothing, and that older events are elsewhere', () => {
    const options = { filter: '', severalNginx: false };
    expect(textOf(timeline(INITIAL_STATE, options))).toContain('Nothing has happened yet.');
    const state = { ...INITIAL_STATE, events: [event({ address: address(1) })], eventsMissing: true };
    expect(textOf(timeline(state, options))).toContain('sidekick events');
    expect(textOf(timeline(state, { ...options, filter: 'nothing has this' }))).toContain(
      'No event has this text.',
    );
  });

  it('names the NGINX where there are several', () => {
    const state = { ...INITIAL_STATE, events: [event({ address: address(1), nginx: 'lb-b' })] };
    expect(textOf(timeline(state, { filter: '', severalNginx: true }))).toContain('lb-b');
    expect(textOf(timeline(state, { filter: '', severalNginx: false }))).not.toContain('lb-b');
  });
});
