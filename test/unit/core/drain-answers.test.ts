import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import { openDebts } from '../../../src/core/drain-answers.js';
import { DEFAULT_KEY_SPACE, drainedKey, watcherKey } from '../../../src/core/keys.js';
import type { Entry } from '../../../src/core/ports.js';

const A = { service: 'mqtt', address: '10.0.0.1:1883' as Address, revision: 10 };
const B = { service: 'firmware', address: '10.0.0.1:8080' as Address, revision: 12 };

function watcher(id: string, value: unknown): [string, string] {
  return [watcherKey(DEFAULT_KEY_SPACE, id), typeof value === 'string' ? value : JSON.stringify(value)];
}

function answer(id: string, instance: typeof A, value: string): [string, string] {
  return [drainedKey(DEFAULT_KEY_SPACE, instance, id), value];
}

function debts(requests: readonly (typeof A)[], ...pairs: [string, string][]): string[] {
  const entries = new Map(pairs.map(([key, value]): [string, Entry] => [key, { key, value, revision: 1 }]));
  return openDebts(DEFAULT_KEY_SPACE, entries, requests).map(
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
    const entries = new Map<string, Entry>([[key, { key, value: '', revision: 1, oversized: 70_000 }]]);
    expect(openDebts(DEFAULT_KEY_SPACE, entries, [A])).toMatchObject([{ watcher: 'one', service: 'mqtt' }]);
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
