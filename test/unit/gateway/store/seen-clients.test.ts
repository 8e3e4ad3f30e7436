import { expect, it } from 'vitest';
import * as clients from '../../../../src/gateway/store/seen-clients.js';
import { FakeDict } from '../support/memory.js';

const NOW = 1_800_000_000_000;

it('notes nothing before somebody wants it, and nothing but what is wanted', () => {
  const dict = new FakeDict<string>();
  clients.note(dict, 'lamp-1', () => NOW);
  expect(clients.take(dict, ['lamp-', 'fan-'])).toEqual([]);
  for (const id of ['lamp-1', 'fan-2', 'oven-3', 'a-lamp-4', `lamp-${'5'.repeat(200)}`])
    clients.note(dict, id, () => NOW);
  expect(clients.take(dict, ['lamp-', 'fan-'])).toEqual([
    ['lamp-1', NOW],
    ['fan-2', NOW],
  ]);
});

it('gives each ClientId once, with the time when it was seen last', () => {
  const dict = new FakeDict<string>();
  clients.take(dict, ['']);
  clients.note(dict, 'a', () => NOW);
  clients.note(dict, 'a', () => NOW + 1);
  expect(clients.take(dict, [''])).toEqual([['a', NOW + 1]]);
  expect(clients.take(dict, [''])).toEqual([]);
});

it('gives many ClientIds in several parts', () => {
  const dict = new FakeDict<string>();
  clients.take(dict, ['']);
  for (let i = 0; i < 1500; i++) clients.note(dict, `c${i}`, () => NOW);
  expect(clients.take(dict, [''])).toHaveLength(1000);
  expect(clients.take(dict, [''])).toHaveLength(500);
});

it('notes nothing once nothing is wanted any more', () => {
  const dict = new FakeDict<string>();
  clients.take(dict, ['']);
  clients.take(dict, []);
  clients.note(dict, 'a', () => NOW);
  expect(dict.entries.size).toBe(0);
});
