/** Measuring side by side: contenders take turns, so that what else the machine does hits all of them alike. */

/** Something to be measured. `run` gives a rate; `cpu`, where there is one, the CPU time used so far in µs. */
export interface Contender {
  name: string;
  run(): Promise<number>;
  cpu?(): number;
  /** Units of the rate done per second of `run`, for the CPU per unit. */
  seconds: number;
}

/** The middle of the rounds. */
interface Result {
  name: string;
  rate: number;
  /** This one's rate by the first contender's, in the same round; the middle of the rounds, and the extremes. */
  ratio: number;
  spread: [number, number];
  /** CPU time of the workers per unit, µs. */
  cpu: number | undefined;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/** Lets contenders take turns for some rounds, after one that does not count. The first one is the measure. */
export async function contest(contenders: Contender[], rounds: number): Promise<Result[]> {
  const rates = contenders.map(() => [] as number[]);
  const cpus = contenders.map(() => [] as number[]);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const before = contender.cpu?.();
      const rate = await contender.run();
      const used = before === undefined ? undefined : (contender.cpu?.() ?? 0) - before;
      if (round === 0) continue;
      rates[i]?.push(rate);
      if (used !== undefined) cpus[i]?.push(used / (rate * contender.seconds));
    }
  }
  return contenders.map(({ name }, i) => {
    const ratios = (rates[i] as number[]).map((rate, round) => rate / (rates[0]?.[round] as number));
    return {
      name,
      rate: median(rates[i] as number[]),
      ratio: median(ratios),
      spread: [Math.min(...ratios), Math.max(...ratios)],
      cpu: (cpus[i] as number[]).length > 0 ? median(cpus[i] as number[]) : undefined,
    };
  });
}

/** Prints a table of results. */
export function print(title: string, unit: string, results: Result[]): void {
  console.log(`\n${title}`);
  console.log(`  ${'contender'.padEnd(44)}${unit.padStart(14)}   to first (range)      CPU µs each`);
  for (const { name, rate, ratio, spread, cpu } of results) {
    const range = `${ratio.toFixed(2)} (${spread[0].toFixed(2)}–${spread[1].toFixed(2)})`;
    const each = cpu === undefined ? '' : cpu.toFixed(1).padStart(8);
    console.log(
      `  ${name.padEnd(44)}${Math.round(rate).toLocaleString('en').padStart(14)}   ${range.padEnd(20)} ${each}`,
    );
  }
}
