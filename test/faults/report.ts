/** A table of what was seen. */
import type { Line } from '../support/silent.js';
import type { FaultResult } from './judge.js';

/** Prints it, and returns whether all went well. */
export function report(
  results: readonly FaultResult[],
  alive: boolean,
  log: { readonly lines: readonly Line[] },
): boolean {
  const names = [...new Set(results.map(({ fault }) => fault))].sort();
  console.log('\n| fault | times | failed | right again: median | longest | missing: longest |');
  console.log('|---|---|---|---|---|---|');
  for (const name of names) {
    const own = results.filter(({ fault }) => fault === name);
    const times = own.flatMap(({ toRight }) => toRight ?? []).sort((a, b) => a - b);
    const failed = own.filter(({ problem }) => problem !== undefined).length;
    const lapse = Math.max(...own.map((result) => result.lapse));
    console.log(
      `| ${name} | ${own.length} | ${failed} | ${times[Math.floor(times.length / 2)] ?? '-'} ms | ${times.at(-1) ?? '-'} ms | ${lapse} ms |`,
    );
  }
  const levels = log.lines.reduce<Record<string, number>>((counts, { level }) => {
    counts[level] = (counts[level] ?? 0) + 1;
    return counts;
  }, {});
  const failures = results.filter(({ problem }) => problem !== undefined).length;
  console.log(
    `\n${results.length} faults suffered, ${failures} not got over; the registrar ran all the while: ${alive}`,
  );
  console.log(`log lines of the registrar: ${JSON.stringify(levels)}`);
  return failures === 0 && alive;
}
