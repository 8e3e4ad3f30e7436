/** Gives a target its inputs, and says which of them, made as small as can be, it did not get over. */
import { fc } from '../support/property.js';
import { later, now } from './clock.js';
import { Journal } from './journal.js';
import { literal } from './literal.js';
import { type Figures, Tally } from './tally.js';
import type { Acceptance, AnyTarget, Subject } from './target.js';

interface Budget {
  /** The first batch's; each further batch has the next one. */
  readonly seed: number;
  /** Ends after so many judgements, or, with `ms`, at the first batch that ends after so long. */
  readonly runs: number;
  readonly ms?: number;
}

/** An input that the target did not get over. */
class Crash extends Error {
  override readonly name = 'Crash';
}

const DEFAULT_BOUND = 10_000;
/** Judgements of one seed in a run that goes by time. */
const BATCH = 100;

/** Runs a target to the end of its budget; throws a {@link Crash} that holds a ready-made test. */
export async function run(target: AnyTarget, budget: Budget): Promise<Figures> {
  const tally = new Tally();
  using journal = new Journal(target.name);
  await using subject = await target.open();
  try {
    await runBatches({ target, subject, tally, journal }, budget);
  } finally {
    journal.close(tally.figures(target.name, target.about));
  }
  return tally.figures(target.name, target.about);
}

/** Judges one input by itself: what a named test of a former crash does. */
export async function replay<Input>(
  target: { readonly name: string; open(): Promise<Subject<Input>> },
  input: Input,
): Promise<Acceptance> {
  await using subject = await target.open();
  return await guarded(target.name, DEFAULT_BOUND, () => subject.judge(input));
}

interface Work {
  readonly target: AnyTarget;
  readonly subject: Subject<unknown>;
  readonly tally: Tally;
  readonly journal: Journal;
}

async function runBatches(work: Work, { seed, runs, ms }: Budget): Promise<void> {
  const end = now() + (ms ?? 0);
  for (let batch = 0; batch === 0 || (ms !== undefined && now() < end); batch++) {
    const numRuns = ms === undefined ? runs : Math.min(runs, BATCH);
    await runBatch(work, (seed + batch) | 0, numRuns);
  }
}

async function runBatch(work: Work, seed: number, numRuns: number): Promise<void> {
  const { target, tally } = work;
  const property = fc.asyncProperty(target.inputs, (input: unknown) => judge(work, input));
  const outcome = await fc.check(property, { seed, numRuns });
  if (!outcome.failed) return;
  tally.crashes++;
  throw new Crash(told(target, seed, outcome.counterexample?.[0], outcome.counterexamplePath), {
    cause: outcome.errorInstance,
  });
}

async function judge({ target, subject, tally, journal }: Work, input: unknown): Promise<void> {
  journal.begin(input);
  const began = now();
  try {
    const acceptance = await guarded(target.name, target.bound ?? DEFAULT_BOUND, () => subject.judge(input));
    tally.note(acceptance, now() - began);
  } finally {
    journal.end();
  }
}

/** What a judge says, if it says it in time, and nothing else in the process went wrong meanwhile. */
async function guarded(
  target: string,
  bound: number,
  judge: () => Acceptance | Promise<Acceptance>,
): Promise<Acceptance> {
  let fail: (reason: unknown) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => {});
  const stray = (reason: unknown) => fail(new Error(`${target}: nobody caught this`, { cause: reason }));
  const cancel = later(() => fail(new Error(`${target}: no answer within ${bound} ms`)), bound);
  process.on('unhandledRejection', stray);
  process.on('uncaughtException', stray);
  const began = now();
  try {
    const acceptance = await Promise.race([failure, Promise.resolve().then(judge)]);
    const took = now() - began;
    if (took > bound) throw new Error(`${target}: it took ${Math.round(took)} ms`);
    return acceptance;
  } finally {
    cancel();
    process.off('unhandledRejection', stray);
    process.off('uncaughtException', stray);
  }
}

function told({ name }: AnyTarget, seed: number, input: unknown, path: string | null): string {
  return [
    `${name} does not get over an input (seed ${seed}, path ${path}).`,
    `Again: npm run test:fuzz -- --only ${name} --seed ${seed}`,
    'As a test:',
    '',
    `it('${name} gets over …', async () => {`,
    `  await replay(target('${name}'), ${literal(input)});`,
    '});',
  ].join('\n');
}
