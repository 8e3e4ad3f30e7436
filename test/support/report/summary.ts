/** The end of a run: how long each step took, and what was counted. */
import type { Ledger } from './ledger.js';
import { bold, green, print, red, table } from './narrator.js';

/** Prints the ledger. */
export function printSummary({ steps, entries }: Ledger): void {
  print(`\n${bold('What NGINX had after each step')}`);
  table(
    ['step', 'took', 'http: firmware', 'stream: mqtt'],
    steps.map(({ title, seconds, http, stream }) => [
      title,
      `${seconds.toFixed(1)} s`,
      http.map((name) => name.replace('firmware-', '')).join(' '),
      stream.map((name) => name.replace('broker-', '')).join(' '),
    ]),
  );
  printEntries(entries);
}

/** Prints what was measured, and what it had to be. */
export function printEntries(entries: Ledger['entries']): void {
  print(`\n${bold('What was counted')}`);
  table(
    ['', 'measured', 'wanted', ''],
    entries.map(({ what, measured, wanted, good }) => [what, measured, wanted, good ? 'ok' : 'WRONG']),
  );
}

/** Prints whether the run passed: its last line. */
export function printResult(good: boolean, seconds: number): void {
  const time = `${seconds.toFixed(0)} s`;
  print(
    `\n${good ? green(`All as it had to be, in ${time}.`) : red(`Something was lost; see the lines marked WRONG. (${time})`)}`,
  );
}
