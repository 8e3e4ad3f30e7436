import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as quick from '../../../../src/gateway/balance/quick.js';
import * as table from '../../../../src/gateway/balance/table.js';

it('keeps a small table in its header and a big one in chunks, and loses no row', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 5 }), (rows, servers) => {
      const records = Array.from({ length: servers }, (_, i) => `${i + 1} 10.0.0.${i}:80`);
      const order = Array.from({ length: rows }, (_, i) => i % servers);
      const { header, chunks } = table.pack({ mode: 'r', records, rows: order, version: 7 });
      const width = Number(header.substring(6, 9));
      const body = chunks.length > 0 ? chunks.join('') : header.substring(quick.COLUMNS);
      expect(Number(header.substring(0, 6))).toBe(rows);
      expect(header.charAt(10)).toBe(rows > quick.CHUNK ? 'c' : 'i');
      expect(body).toHaveLength(rows * width);
      expect(order.map((_, i) => body.substring(i * width, (i + 1) * width).trim())).toEqual(
        order.map((index) => records[index]),
      );
    }),
  );
});

it('differs from every other table of the group by its version alone', () => {
  const layout = { mode: 'r' as const, records: ['1 10.0.0.1:80'], rows: [0] };
  expect(table.pack({ ...layout, version: 1 }).header).not.toBe(table.pack({ ...layout, version: 2 }).header);
});

it('tells by its mode whether a first choice may have to be revised', () => {
  const layout = { mode: 'r' as const, rows: [0], version: 1 };
  expect(table.pack({ ...layout, records: ['1 10.0.0.1:80'] }).header.charAt(9)).toBe('r');
  expect(table.pack({ ...layout, records: ['1 10.0.0.1:80 5'] }).header.charAt(9)).toBe('R');
});
