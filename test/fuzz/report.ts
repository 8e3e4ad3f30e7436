/** A table of what was counted. */
import type { Figures } from './tally.js';

/** The reasons that are named, the most frequent first. */
const NAMED = 5;

/** Prints it, and returns whether every one of `count` targets came to its end without a crash. */
export function report(all: readonly Figures[], count: number): boolean {
  console.log(
    '\n| target | what | inputs | accepted | rejected with a reason | kinds of reasons | crashes | slowest | time |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  for (const { target, about, inputs, accepted, rejected, reasons, crashes, slowest, seconds } of all) {
    const kinds = Object.keys(reasons).length;
    console.log(
      `| ${target} | ${about} | ${inputs} | ${accepted} | ${rejected} | ${kinds} | ${crashes} | ${slowest} ms | ${seconds} s |`,
    );
  }
  for (const { target, reasons } of all) {
    const most = Object.entries(reasons).sort(([, a], [, b]) => b - a);
    console.log(`\n${target}: the most frequent reasons`);
    for (const [reason, times] of most.slice(0, NAMED)) console.log(`  ${times} x ${reason}`);
  }
  const inputs = all.reduce((sum, figures) => sum + figures.inputs, 0);
  const crashes = all.reduce((sum, figures) => sum + figures.crashes, 0);
  const unfinished = count - all.length;
  console.log(`\n${inputs} inputs, ${crashes} crashes, ${unfinished} targets that did not come to their end`);
  return crashes === 0 && unfinished === 0;
}
