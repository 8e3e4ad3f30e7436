/** Commands that people type, beside a Node.js that does nothing. */

import { now } from '../clock.js';
import { startSidekick } from '../contenders/index.js';
import { Child } from '../host/child.js';
import { type Part, roundsOf } from '../part.js';
import type { Row } from '../report/report.js';
import { medianOf } from '../stats.js';

const ROUNDS = 15;
const COMMANDS = [['--version'], ['status', '--help']];

/** From the start of a program to its end, in ms. */
async function timeOf(child: Child): Promise<number> {
  await child.succeeded();
  return now() - child.startedAt;
}

export const cli: Part = {
  name: 'cli',
  title: 'Commands that people type, beside `node -e 0`',
  async run(bench) {
    const rounds = roundsOf(bench, ROUNDS);
    bench.say(`${rounds} rounds of ${COMMANDS.length + 1} programs`);
    const floor: number[] = [];
    const sidekick = COMMANDS.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      floor.push(await timeOf(new Child(process.execPath, ['-e', '0'])));
      for (const [nth, args] of COMMANDS.entries()) sidekick[nth]?.push(await timeOf(startSidekick(args)));
    }
    const rows = COMMANDS.map(
      (args, nth): Row => ({
        work: `\`sidekick ${args.join(' ')}\``,
        unit: 'ms',
        figures: { floor: medianOf(floor), sidekick: medianOf(sidekick[nth] ?? []) },
        target: { timesFloor: 1.5 },
        headline: true,
      }),
    );
    return { rows };
  },
};
