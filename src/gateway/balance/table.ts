/**
 * The balancing table of a group, as it lies in shared memory. The API lays it out on every change, so that
 * choosing a server costs a request the same whether there are ten servers or a thousand.
 *
 * A header of fixed columns, then records of equal width: `uid address [max_conns [weight]]`, space-padded.
 * A small table has its records right behind the header; a big one has them in chunks under keys of their own. A group
 * that hashes always has chunks, and behind its header the name of the variable that it goes by.
 */

import * as quick from './quick.js';

/** How a row is chosen: `r` the next one, `h` by hash of a key, `l` the least loaded of a few; upper case: some have limits. */
export type Mode = 'r' | 'h' | 'l';

/** What a table holds before it is written: records, and the row order as indexes into them. */
export interface Layout {
  mode: Mode;
  records: string[];
  rows: number[];
  /** The variable whose value a group that hashes goes by, without its `$`. */
  key?: string;
  /** Distinguishes this table from every other the group ever had. */
  version: number;
}

/** A table's keys and values in shared memory; the header is last because writing it makes the rest valid. */
export interface Packed {
  chunks: string[];
  header: string;
}

function pad(text: string, width: number): string {
  let padded = text;
  while (padded.length < width) padded += ' ';
  return padded;
}

export function pack(layout: Layout): Packed {
  let width = 0;
  for (let i = 0; i < layout.records.length; i++)
    width = Math.max(width, (layout.records[i] as string).length);
  // The spare column ends every record with a space, so that splitting never runs two together.
  width += 1;
  const padded = layout.records.map((record) => pad(record, width));
  const chunks: string[] = [];
  let chunk = '';
  for (let i = 0; i < layout.rows.length; i++) {
    chunk += padded[layout.rows[i] as number] as string;
    if (i % quick.CHUNK === quick.CHUNK - 1) {
      chunks.push(chunk);
      chunk = '';
    }
  }
  if (chunk !== '') chunks.push(chunk);
  // Upper case keeps the quick path off a table in which a choice may have to be a second one.
  const limited = layout.records.some((record) => record.split(' ').length > 2);
  const inline = layout.key === undefined && chunks.length <= 1;
  const columns =
    pad(`${layout.rows.length}`, 6) +
    pad(`${width}`, 3) +
    (limited ? layout.mode.toUpperCase() : layout.mode) +
    (inline ? 'i' : 'c') +
    pad(`${layout.version}`, 10);
  return inline
    ? { chunks: [], header: columns + (chunks.length === 0 ? '' : chunks[0]) }
    : { chunks: chunks, header: columns + (layout.key === undefined ? '' : layout.key) };
}
