import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import { liveWatchers, pendingAcks } from '../../../src/core/drain-acks.js';
import { DEFAULT_KEY_PREFIXES, drainedKey, watcherKey } from '../../../src/core/keys.js';
import type { KeyValue } from '../../../src/core/ports.js';

const A = { service: 'mqtt', address: '10.0.0.1:1883' as Address, revision: 10 };
const B = { service: 'firmware', address: '10.0.0.1:8080' as Address, revision: 12 };

function watcher(id: string, value: unknown): [string, string] {
  return [watcherKey(DEFAULT_KEY_PREFIXES, id), typeof value === 'string' ? value : JSON.stringify(value)];
}

function ack(id: string, instance: typeof A, value: string): [string, string] {
  return [drainedKey(DEFAULT_KEY_PREFIXES, instance, id), value];
}

function pending(requests: readonly (typeof A)[], ...pairs: [string, string][]): string[] {
  const entries = new Map(
    pairs.map(([key, value]): [string, KeyValue] => [key, { key, value, revision: 1 }]),
  );
  return pendingAcks(DEFAULT_KEY_PREFIXES, entries, requests).map(
    ({ watcher: id, service }) => `${id} ${service}`,
  );
}

describe('pendingAcks', () => {
  const one = watcher('one', { services: ['mqtt'] });
  const both = watcher('both', { services: ['mqtt', 'firmware'] });

  it('returns nothing without a watcher, or without a request', () => {
    expect(pending([A])).toEqual([]);
    expect(pending([], one)).toEqual([]);
  });

  it('returns every watcher of the service for each instance', () => {
    expect(pending([A, B], one, both)).toEqual(['one mqtt', 'both mqtt', 'both firmware']);
  });

  it('assumes that a watcher whose value is too long drives every service', () => {
    const [key] = one;
    const entries = new Map<string, KeyValue>([[key, { key, value: '', revision: 1, oversized: 70_000 }]]);
    expect(pendingAcks(DEFAULT_KEY_PREFIXES, entries, [A])).toMatchObject([
      { watcher: 'one', service: 'mqtt' },
    ]);
  });

  it.each([
    ['9', ['one mqtt']],
    ['10', []],
    ['11', []],
    ['', ['one mqtt']],
    ['soon', ['one mqtt']],
  ])('reads an acknowledgement of %j to a request of revision 10 as pending for %j', (value, expected) => {
    expect(pending([A], one, ack('one', A, value))).toEqual(expected);
  });

  it('counts no acknowledgement of another watcher or instance', () => {
    expect(pending([A], one, ack('two', A, '10'))).toEqual(['one mqtt']);
    expect(pending([A], one, ack('one', { ...A, address: '10.0.0.2:1883' as Address }, '10'))).toEqual([
      'one mqtt',
    ]);
  });

  it.each([
    ...['', 'null', '7', '[]', '{"services":"mqtt"}', '{"services":[["mqtt"]]}', '{'],
    { services: [] },
    { services: ['mqtt'], deep: [[[[]]]] },
  ])('ignores a watcher with the presence %j', (value) => {
    expect(pending([A], watcher('odd', value))).toEqual([]);
  });
});

describe('liveWatchers', () => {
  function only(value: unknown, more: Partial<KeyValue> = {}) {
    const [key, text] = watcher('lb', value);
    const entry = { key, value: text, revision: 1, ...more };
    const elsewhere = { key: '/services/mqtt/10.0.0.1:1883', value: '{}', revision: 1 };
    const found = liveWatchers(
      DEFAULT_KEY_PREFIXES,
      new Map([entry, elsewhere].map((one) => [one.key, one])),
    );
    expect(found.map(({ watcher: id }) => id)).toEqual(['lb']);
    const [first] = found;
    if (!first) throw new Error('no watcher');
    return first;
  }

  it('returns the services that a watcher drives, and how many servers its guard holds of each', () => {
    const lb = only({ services: ['mqtt', 'firmware', 5], held: { mqtt: 2, firmware: 'many' } });
    expect(lb.named).toEqual(['mqtt', 'firmware']);
    expect(['mqtt', 'firmware', 'other'].map((name) => lb.services.has(name))).toEqual([true, true, false]);
    expect(['mqtt', 'firmware', 'other'].map((name) => lb.heldOf(name))).toEqual([2, undefined, 0]);
  });

  it.each([{}, { services: 'mqtt' }, 'no JSON', { services: ['mqtt'], held: null }, { held: 'many' }])(
    'returns no held servers where %j has no count of them',
    (value) => {
      const lb = only(value);
      expect(lb.heldOf('mqtt')).toBeUndefined();
      expect(lb.heldOf('toString')).toBeUndefined();
    },
  );

  it('returns no names where they are no list', () => {
    expect(only({ services: 'mqtt' }).named).toEqual([]);
    expect(only({ services: 'mqtt' }).services.has('mqtt')).toBe(false);
  });

  it('assumes that a watcher whose value is too long drives every service', () => {
    const lb = only('', { oversized: 100_000 });
    expect([lb.named, lb.services.has('any'), lb.heldOf('any')]).toEqual([[], true, undefined]);
  });
});
