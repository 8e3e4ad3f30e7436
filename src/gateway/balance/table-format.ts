/**
 * The format of a group's table in shared memory. The table is built in advance, so that selecting a server costs a request
 * the same whether the group has ten servers or a thousand.
 *
 * A table consists of rows and records. A request takes a row, in turn or by a hash; a row is the index of a record. All
 * records have the same width and contain `uid address [max_conns [weight]]`. Small tables are stored in the header
 * alone; large ones also have chunks, under keys of their own. Columns of a header:
 *
 *      0  flags: how servers are selected, and where rows and records are stored
 *      1  width of a record, one digit
 *      2  mode
 *      3  number of rows, decimal
 *      9  number of the first chunk with records, two digits
 *     11  version
 *     21  up to sixteen rows, one digit each; unused if row n is record n, as with equal weights
 *     37  up to sixteen records; in a group with consistent hashing followed by a space and the name of its variable
 *
 * Digits are of base 90 and begin at `!`, because in njs a character code is cheaper than parsing a number.
 * A record that consists of a uid without an address belongs to a server that was removed after the table was built.
 *
 * A new table is written to the set of chunks (`a` or `b`) that the present header does not name; the header is written
 * last. So whoever has read a header finds the chunks that belong to it.
 */

/** Columns of a header. */
export const ROWS_AT = 21;
export const RECORDS_AT = 37;
/** Digits. */
export const BASE = 90;
export const ZERO = 33;
/** Size of a chunk. */
export const ROWS_PER_CHUNK = 128;
export const RECORDS_PER_CHUNK = 16;
/**
 * The mark of this format, which is part of the chunks' keys. Shared memory outlives a reload, and may contain tables of
 * another version of these modules: they are ignored until they have been rebuilt.
 */
export const FORMAT = '%';
/** The character code of column 0 is this plus the sum of the flags below. In earlier formats it is lower. */
export const FLAGS_BASE = 64;
export const SET_B = 1;
export const ROWS_IN_CHUNKS = 4;
/** With {@link ROWS_IN_CHUNKS}: rows have two digits. */
export const TWO_DIGITS = 2;
/** Without {@link ROWS_IN_CHUNKS}: there are no rows, because row n is record n. */
export const IN_ORDER = 2;
export const RECORDS_IN_CHUNKS = 8;
/** How a server is selected; exactly one of these. */
export const IN_TURN = 0;
export const BY_CLIENT_ID = 16;
export const BY_VARIABLE = 32;
/** The fast path does not apply: see selection.ts. */
export const BY_SELECTION = 48;

/**
 * Servers that were added after the table was built, in the order in which they were added. Followed by the table's key,
 * it is the key of `<number of the first> <how many> <servers in the table>`; with `/<number>` behind, of a record.
 */
export const RECENT = ' recent/';

/**
 * What a request adds to the counter of a server and worker: one active request in the low 20 bits, and one request in
 * the bits above, so that both cost a single operation.
 */
export const ACTIVE_LIMIT = 1048576;
export const REQUEST_UNIT = 1048577;
