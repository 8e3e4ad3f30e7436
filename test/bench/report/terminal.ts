/** The report on the terminal. */
import { bold, print, red, table } from '../../support/report/narrator.js';
import { cells, HEAD } from './cells.js';
import type { Report } from './report.js';

export function printReport({ parts, machine, seconds, quick }: Report): void {
  for (const { title, rows, error } of parts) {
    print(`\n${bold(title)}`);
    if (rows.length > 0) table([...HEAD], rows.map(cells));
    if (error !== undefined) print(red(`  broke off: ${error}`));
  }
  print(`\n${machine}; the whole run took ${(seconds / 60).toFixed(1)} minutes.`);
  print(
    'A number in front of brackets is of all rounds together; in the brackets is its range over the rounds.',
  );
  if (quick) print(bold('--quick: it worked; the numbers mean nothing.'));
}
