/**
 * Mutation testing: puts small faults into the pure code, one at a time, and runs the unit tests of its own folder
 * against each. A fault that they do not notice has survived: it needs a test, or an explanation in survivors.md.
 *
 *   npm run test:mutation                                   every area
 *   npm run test:mutation -- core                           one area
 *   npm run test:mutation -- core src/core/guard.ts         one file of it, against its own unit test
 *   npm run test:mutation -- core src/core/guard.ts:80-95   some lines of it
 *
 * The reports are in build/mutation/<area>.html and .json. MUTATION_WORKERS is how many faults are tried at a time (2).
 */
import { Stryker } from '@stryker-mutator/core';
import { AREAS, type Area, areaOf, partOf } from './areas.js';

/** Mutants of which the tests noticed at least this share, in percent, are asked of `core`. */
const WANTED = 90;

/** A mutant may end a loop's end: it then counts as noticed once it has run for so long, in ms, which a busy machine must not. */
const LONGEST = 60_000;

type Result = Awaited<ReturnType<Stryker['runMutationTest']>>[number];

async function run(area: Area): Promise<number> {
  process.env.MUTATION_TESTS = area.tests.join(',');
  const report = `build/mutation/${area.name}`;
  const results = await new Stryker({
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    vitest: { configFile: 'test/mutation/vitest.config.ts' },
    mutate: [...area.mutate],
    ignorePatterns: ['dist', 'build', 'docker', 'units', 'test/integration', 'test/cluster'],
    // Stryker would rewrite tsconfig.json with an interface that this version of TypeScript does not have.
    tsconfigFile: 'test/mutation/no-tsconfig.json',
    reporters: ['clear-text', 'progress-append-only', 'html', 'json'],
    htmlReporter: { fileName: `${report}.html` },
    jsonReporter: { fileName: `${report}.json` },
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
    tempDirName: 'build/mutation/sandbox',
    cleanTempDir: 'always',
    concurrency: Number(process.env.MUTATION_WORKERS ?? 2),
    timeoutMS: LONGEST,
  }).runMutationTest();
  const counted = results.filter(({ status }) => status !== 'CompileError' && status !== 'Ignored');
  const all = Math.max(...results.map(({ testsCompleted = 0 }) => testsCompleted));
  const noticed = counted.filter((result) => isNoticed(result, all));
  return (100 * noticed.length) / Math.max(1, counted.length);
}

/**
 * Against a fault in what runs while a file of tests is loaded, all tests are run. Where some of them did not, the fault
 * kept their file from loading: Stryker lists that as survived, but `npm run test:unit` fails.
 * @param all How many tests there are.
 */
function isNoticed({ status, static: isAtLoad, testsCompleted = 0 }: Result, all: number): boolean {
  if (status === 'Killed' || status === 'Timeout') return true;
  return status === 'Survived' && isAtLoad === true && testsCompleted < all;
}

async function main([name, ...files]: readonly string[]): Promise<void> {
  for (const area of name === undefined ? AREAS : [areaOf(name)]) {
    const score = await run(files.length > 0 ? partOf(area, files) : area);
    process.stdout.write(`${area.name}: ${score.toFixed(1)} % of the faults were noticed\n`);
    if (area.name === 'core' && score < WANTED) process.exitCode = 1;
  }
}

await main(process.argv.slice(2));
