/** The report as Markdown, and documents in which a part is replaced by it. Pure. */
import { cells, HEAD } from './cells.js';
import type { Report, Row } from './report.js';

/** Marks the part of a document that a run writes. */
export const MARKS = { begin: '<!-- benchmark: begin -->', end: '<!-- benchmark: end -->' } as const;

/** The picture, beside the document with all tables. */
export const PLOT = 'benchmarks.svg';

function line(columns: readonly string[]): string {
  return `| ${columns.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** A table without the columns that are empty in every row. */
function table(rows: readonly Row[]): string {
  const texts = rows.map(cells);
  const isUsed = HEAD.map((_, column) => texts.some((row) => row[column] !== ''));
  const used = (row: readonly string[]) => row.filter((_, column) => isUsed[column]);
  const head = used(HEAD);
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...texts.map((row) => line(used(row)))].join(
    '\n',
  );
}

function provenance({ startedAt, machine }: Report): string {
  return `Measured on ${startedAt.slice(0, 10)} in one run on ${machine}.`;
}

/** Every row, part by part. */
export function fullTables(report: Report): string {
  const parts = report.parts.map(({ title, rows, output, error }) =>
    [
      `## ${title}`,
      ...(rows.length > 0 ? [table(rows)] : []),
      ...(output === undefined ? [] : [`\`\`\`\n${output}\n\`\`\``]),
      ...(error === undefined ? [] : [`Broke off: ${error}`]),
    ].join('\n\n'),
  );
  return [provenance(report), `![A change as the groups grow](${PLOT})`, ...parts].join('\n\n');
}

/** The rows that matter most to a user, in one table. */
export function shortTable(report: Report): string {
  const rows = report.parts.flatMap((part) => part.rows).filter(({ headline }) => headline);
  return `${table(rows)}\n\n${provenance(report)}`;
}

/** A document with `content` between its {@link MARKS}; throws where it has none. */
export function replaceMarked(document: string, content: string): string {
  const [before, ...rest] = document.split(MARKS.begin);
  const after = rest.join(MARKS.begin).split(MARKS.end);
  if (before === undefined || after.length !== 2)
    throw new Error(`wants ${MARKS.begin} and ${MARKS.end} once`);
  return `${before}${MARKS.begin}\n${content}\n${MARKS.end}${after[1]}`;
}
