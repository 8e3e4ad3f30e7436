import * as table from '../../../../src/gateway/balance/table.js';

/** A complete table: its chunks and its header. */
export function pack(
  layout: table.Layout,
  set: table.ChunkSet,
  version: number,
): { chunks: string[]; header: string } {
  const shape = table.shapeOf(layout, traitsOf(layout), set);
  const chunks = Array.from({ length: table.chunkCount(shape) }, (_, i) => table.chunk(layout, shape, i));
  return { chunks, header: table.header(layout, shape, version) };
}

function traitsOf(layout: table.Layout): table.Traits {
  return {
    width: Math.max(0, ...layout.records.map((record) => record.length)),
    plain: layout.records.every(table.isPlain),
    inOrder:
      layout.rows.length === layout.records.length && layout.rows.every((record, row) => record === row),
  };
}
