/** `npm run bench`: measures sidekick beside what the same work costs without it. `--help` names the options. */
import { writeFile } from 'node:fs/promises';
import { becomeOwner, removeOwned, removeOwnedOnExit, removeStale } from '../support/containers/owner.js';
import { announce, print, say } from '../support/report/narrator.js';
import { type Options, readOptions, USAGE, UsageError } from './options.js';
import { PARTS } from './parts/index.js';
import { writeDocuments } from './report/documents.js';
import { printReport } from './report/terminal.js';
import { run } from './run.js';

function endCleanly(): void {
  removeOwnedOnExit();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      print(`\n${signal}: removing the containers`);
      process.exit(130);
    });
  }
}

/** Resolves with the exit code. */
async function bench(options: Options): Promise<number> {
  process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  becomeOwner();
  endCleanly();
  await removeStale();
  const parts = PARTS.filter(({ name }) => options.only?.includes(name) ?? true);
  const report = await run(parts, options, { part: announce, say });
  await removeOwned();
  printReport(report);
  await writeFile(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  print(`Written to ${options.json}.`);
  if (options.writeDocs) await writeDocuments(report);
  return report.parts.some(({ error }) => error !== undefined) ? 1 : 0;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    print(USAGE);
    return 0;
  }
  try {
    const options = readOptions(
      args,
      PARTS.map(({ name }) => name),
    );
    if (!options.list) return await bench(options);
    for (const { name, title } of PARTS) print(`${name.padEnd(12)}${title}`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    print(error.message);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
