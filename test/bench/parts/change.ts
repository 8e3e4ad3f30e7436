/** One change in a small group: from the put to the request at NGINX. */
import { floor, shellLoop, sidekick } from '../contenders/index.js';
import { Lab } from '../lab/lab.js';
import { nameOf } from '../lab/layout.js';
import { Watching } from '../lab/watching.js';
import { type Part, roundsOf } from '../part.js';
import { median, p99 } from '../stats.js';
import { takeTurns } from '../turns.js';
import { cpuRow, latencyRow, makeChanges } from './paces.js';

const LAYOUT = { groups: 1, servers: 10 };
const ROUNDS = 3;
/** Of all rounds together 200, of which p99 leaves out two. */
const CHANGES = 67;
/** The shell loop is too slow for as many. */
const SHELL_CHANGES = 10;
const QUICK_CHANGES = 3;
const MEDIAN = { timesFloor: 1.25 };
const TAIL = { timesFloor: 1.5 };

export const change: Part = {
  name: 'change',
  title: 'A change: from the put sent to the request at NGINX',
  async run(bench) {
    await using lab = await Lab.start();
    await lab.register(LAYOUT);
    const turns = await takeTurns(
      bench,
      { rounds: roundsOf(bench, ROUNDS), contenders: [floor, sidekick, shellLoop] },
      async (contender) => {
        await using watching = await Watching.start(lab, LAYOUT, contender);
        if (bench.quick) return await makeChanges(watching, QUICK_CHANGES);
        return await makeChanges(watching, contender === shellLoop ? SHELL_CHANGES : CHANGES);
      },
    );
    const where = nameOf(LAYOUT);
    const middle = { where, statistic: median, headline: true };
    const tail = { where, statistic: p99, target: TAIL, headline: true };
    return {
      rows: [
        latencyRow(turns, 'lone', { ...middle, target: { ...MEDIAN, shellTimes: 8 } }),
        latencyRow(turns, 'lone', tail),
        latencyRow(turns, 'dense', { ...middle, target: MEDIAN }),
        latencyRow(turns, 'dense', tail),
        cpuRow(turns, { where }),
      ],
    };
  },
};
