/** The command line of the benchmark. */
import { parseArgs } from 'node:util';

export const USAGE = `npm run bench [-- OPTIONS]

  --only=NAMES    only these parts, with commas between them
  --rounds=N      so many rounds in each part that has rounds
  --seconds=N     how long the parts take that go by time
  --quick         everything as short as it can be: shows that the benchmark works, and no number means anything
  --json=FILE     where the JSON goes; default bench.json
  --write-docs    write the tables and the plot into the documents; needs a whole run
  --list          name the parts and end`;

export interface Options {
  /** Names of the parts to run; undefined for all. */
  readonly only: readonly string[] | undefined;
  readonly rounds: number | undefined;
  readonly seconds: number | undefined;
  readonly quick: boolean;
  readonly json: string;
  readonly writeDocs: boolean;
  readonly list: boolean;
}

export class UsageError extends Error {}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`--${name}=${text}: wants a whole number above 0`);
  return value;
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'string', default: 'bench.json' },
        'write-docs': { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Reads the arguments. `parts` are the names that `--only` may have. Throws {@link UsageError}. */
export function readOptions(args: readonly string[], parts: readonly string[]): Options {
  const values = parse(args);
  const only = values.only?.split(',');
  const unknown = only?.find((name) => !parts.includes(name));
  if (unknown !== undefined) throw new UsageError(`--only=${unknown}: there are ${parts.join(', ')}`);
  if (values['write-docs'] && (values.quick || only)) throw new UsageError('--write-docs needs a whole run');
  return {
    only,
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    quick: values.quick,
    json: values.json,
    writeDocs: values['write-docs'],
    list: values.list,
  };
}
