import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import { pendingAcks } from '../../../src/core/drain-acks.js';
import { DEFAULT_KEY_PREFIXES, drainedKey, watcherKey } from '../../../src/core/keys.js';
import type { KeyValue } from '../../../src/core/ports.js';

const A = { service: 'mqtt', address: '10.0.0.1:1883' as Address, revision: 10 };
const B = { service: 'firmware', address: '10.0.0.1:8080' as Address, revision: 12 };

function watcher(id: string, value: unknown): [string, string] {
  return [watcherKey(DEFAULT_KEY_PREFIXES, id), typeof value === 'string' ? value : JSON.stringify(value)];
}

function answer(id: string, instance: typeof A, value: string): [string, string] {
  return [drainedKey(DEFAULT_KEY_PREFIXES, instance, id), value];
}

function debts(requests: readonly (typeof A)[], ...pairs: [string, string][]): string[] {
  const entries = new Map(
    pairs.map(([key, value]): [string, KeyValue] => [key, { key, value, revision: 1 }]),
  );
  return pendingAcks(DEFAULT_KEY_PREFIXES, entries, requests).map(
    ({ watcher: id, service }) => `${id} ${service}`,
  );
}

describe('openDebts', () => {
  const one = watcher('one', { services: ['mqtt'] });
  const both = watcher('both', { services: ['mqtt', 'firmware'] });

  it('owes nothing where there is no watcher, or no request', () => {
    expect(debts([A])).toEqual([]);
    expect(debts([], one)).toEqual([]);
  });

  it('has every watcher of the service owe an answer for each instance', () => {
    expect(debts([A, B], one, both)).toEqual(['one mqtt', 'both mqtt', 'both firmware']);
  });

  it('takes it that a watcher whose value is too long to be read drives every service', () => {
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
  ])('takes an answer of %j to a request of revision 10 for %j', (value, expected) => {
    expect(debts([A], one, answer('one', A, value))).toEqual(expected);
  });

  it("takes no watcher's answer for another's, nor for another instance", () => {
    expect(debts([A], one, answer('two', A, '10'))).toEqual(['one mqtt']);
    expect(debts([A], one, answer('one', { ...A, address: '10.0.0.2:1883' as Address }, '10'))).toEqual([
      'one mqtt',
    ]);
  });

  it.each(['', 'null', '7', '[]', '{"services":"mqtt"}', '{"services":[["mqtt"]]}', '{', { services: [] }])(
    'waits for no watcher whose presence says %j',
    (value) => {
      expect(debts([A], watcher('odd', value))).toEqual([]);
    },
  );
});
