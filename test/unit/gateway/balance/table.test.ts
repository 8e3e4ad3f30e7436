import { expect, it } from 'vitest';
import * as fastPath from '../../../../src/gateway/balance/fast-path.js';
import * as table from '../../../../src/gateway/balance/table.js';
import * as tableFormat from '../../../../src/gateway/balance/table-format.js';
import { fc } from '../../../support/property.js';
import { FakeDict } from '../support/memory.js';
import { pack } from '../support/table.js';

/** What a request finds in each row of a table that lies in memory. */
function found(layout: table.Layout): string[] {
  const { header, chunks } = pack(layout, '%b', 7);
  const memory = new FakeDict<string>();
  for (const [i, chunk] of chunks.entries()) memory.set(`firmware%b${i}`, chunk);
  return layout.rows.map((_, row) => fastPath.readRecord(memory, 'firmware', header, row).trim());
}

it('a table leads from every row to its record, wherever rows and records lie', () => {
  const sizes = fc.constantFrom(1, 2, 10, 11, 16, 17, 100, 101, 300);
  fc.assert(
    fc.property(sizes, sizes, fc.option(fc.constantFrom('request_uri', 'a')), (rows, servers, key) => {
      const records = Array.from({ length: servers }, (_, i) => `${i + 1} 10.0.0.${i}:80`);
      const order = Array.from({ length: rows }, (_, i) => (i * 7) % servers);
      const layout = { mode: 'r' as const, records, rows: order, ...(key !== null && { key }) };
      expect(found(layout)).toEqual(order.map((index) => records[index]));
    }),
  );
});

it('a table has no rows where each is the record of its number', () => {
  for (const servers of [1, 16, 17, 300]) {
    const records = Array.from({ length: servers }, (_, i) => `${i + 1} 10.0.0.${i}:80`);
    const layout = { mode: 'r' as const, records, rows: records.map((_, i) => i) };
    expect(found(layout)).toEqual(records);
    expect(pack(layout, '%a', 1).chunks).toHaveLength(servers <= 16 ? 0 : Math.ceil(servers / 16));
  }
});

it('a table takes a few kilobytes for a group that hashes', () => {
  const records = Array.from({ length: 10 }, (_, i) => `${i + 1} 10.0.0.${i}:1883`);
  const rows = Array.from({ length: 8192 }, (_, i) => i % 10);
  const { header, chunks } = pack({ mode: 'h', records, rows, key: 'id' }, '%a', 1);
  expect(header.length + chunks.join('').length).toBeLessThan(10_000);
});

it('a table finds nothing where a chunk is missing', () => {
  const records = Array.from({ length: 40 }, (_, i) => `${i + 1} 10.0.0.${i}:80`);
  const { header } = pack({ mode: 'r', records, rows: records.map((_, i) => i) }, '%a', 1);
  expect(fastPath.readRecord(new FakeDict<string>(), 'firmware', header, 39)).toBe('');
});

it('a table differs from every other table of the group by its version alone', () => {
  const layout = { mode: 'r' as const, records: ['1 10.0.0.1:80'], rows: [0] };
  const header = (version: number) => pack(layout, '%a', version).header;
  expect(header(1)).not.toBe(header(2));
});

it('a new table changes chunks that no header names', () => {
  const { header } = pack({ mode: 'r', records: [], rows: [] }, '%a', 1);
  expect([table.spareSet(undefined), table.spareSet(header)]).toEqual(['%a', '%b']);
});

it.each([
  ['in turn', { mode: 'r', records: ['1 10.0.0.1:80'] }, tableFormat.IN_TURN],
  [
    'by the ClientId',
    { mode: 'h', records: ['1 10.0.0.1:80'], key: 'mqtt_client_id' },
    tableFormat.BY_CLIENT_ID,
  ],
  ['by another variable', { mode: 'h', records: ['1 10.0.0.1:80'], key: 'arg_id' }, tableFormat.BY_VARIABLE],
  ['by load', { mode: 'l', records: ['1 10.0.0.1:80 0 1'] }, tableFormat.BY_SELECTION],
  [
    'where a first choice may have to be revised',
    { mode: 'r', records: ['1 10.0.0.1:80 5'] },
    tableFormat.BY_SELECTION,
  ],
] as const)('a header tells the fast path to select %s, or not at all', (_, layout, method) => {
  const { header } = pack({ ...layout, records: [...layout.records], rows: [0] }, '%a', 1);
  expect((header.charCodeAt(0) - tableFormat.FLAGS_BASE) & tableFormat.BY_SELECTION).toBe(method);
});

it('a table without servers leaves the choice to the selection', () => {
  const { header } = pack({ mode: 'r', records: [], rows: [] }, '%a', 1);
  expect((header.charCodeAt(0) - tableFormat.FLAGS_BASE) & tableFormat.BY_SELECTION).toBe(
    tableFormat.BY_SELECTION,
  );
});

it('a table keeps the name of the variable behind all else, wherever records lie', () => {
  for (const servers of [1, 16, 17, 200]) {
    const records = Array.from({ length: servers }, (_, i) => `${i + 1} 10.0.0.${i}:80`);
    const layout = { mode: 'h' as const, records, rows: records.map((_, i) => i), key: 'arg_id' };
    expect(fastPath.hashVariable(pack(layout, '%b', 7).header)).toBe('arg_id');
  }
});
