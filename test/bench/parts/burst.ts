/** Many changes at once, as when a service is scaled up. */
import { floor, shellLoop, sidekick } from '../contenders/index.js';
import { Lab } from '../lab/lab.js';
import { Watching } from '../lab/watching.js';
import { type Part, roundsOf } from '../part.js';
import { rowOf } from '../rows.js';
import { takeTurns } from '../turns.js';

const LAYOUT = { groups: 1, servers: 10 };
const ADDS = 100;
const QUICK_ADDS = 10;
const ROUNDS = 3;
const BURSTS = 3;

export const burst: Part = {
  name: 'burst',
  title: 'A burst of adds',
  async run(bench) {
    await using lab = await Lab.start();
    await lab.register(LAYOUT);
    const adds = bench.quick ? QUICK_ADDS : ADDS;
    const turns = await takeTurns(
      bench,
      { rounds: roundsOf(bench, ROUNDS), contenders: [floor, sidekick, shellLoop] },
      async (contender) => {
        await using watching = await Watching.start(lab, LAYOUT, contender);
        const took: number[] = [];
        const bursts = contender === shellLoop || bench.quick ? 1 : BURSTS;
        while (took.length < bursts) took.push(await watching.burst(adds));
        return took;
      },
    );
    const work = `${adds} servers registered at once in a group of 10, first put to last request`;
    return {
      rows: [rowOf(turns, { work, unit: 'ms', target: { timesFloor: 1.3 }, headline: true }, (took) => took)],
    };
  },
};
