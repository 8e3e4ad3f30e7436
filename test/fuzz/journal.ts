/**
 * The input that is being judged, in a file, so that it is known even when the process dies of it or never comes back;
 * and the figures of each target for `npm run test:fuzz`, which names the directory in `FUZZ_DIR`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Figures } from './tally.js';
import { Watchdog } from './watchdog.js';

/** What one target writes. */
export class Journal implements Disposable {
  readonly #own = process.env.FUZZ_DIR === undefined;
  readonly #directory = process.env.FUZZ_DIR ?? mkdtempSync(join(tmpdir(), 'sidekick-fuzz-'));
  readonly #target: string;
  readonly #watchdog: Watchdog;

  constructor(target: string) {
    this.#target = target;
    this.#watchdog = new Watchdog(this.#path('input'));
  }

  begin(input: unknown): void {
    writeFileSync(this.#path('input'), serialize(input));
    this.#watchdog.beat();
  }

  end(): void {
    this.#watchdog.beat();
  }

  close(figures: Figures): void {
    writeFileSync(this.#path('json'), JSON.stringify(figures));
    rmSync(this.#path('input'), { force: true });
  }

  [Symbol.dispose](): void {
    this.#watchdog[Symbol.dispose]();
    if (this.#own) rmSync(this.#directory, { recursive: true, force: true });
  }

  #path(extension: string): string {
    return join(this.#directory, `${this.#target}.${extension}`);
  }
}

/** The figures of the targets that ended. */
export function figures(directory: string): readonly Figures[] {
  return files(directory, '.json').map((path) => JSON.parse(readFileSync(path, 'utf8')) as Figures);
}

/** The inputs of which processes died. */
export function fatal(directory: string): readonly unknown[] {
  return files(directory, '.input').map((path) => deserialize(readFileSync(path)) as unknown);
}

function files(directory: string, extension: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(extension))
    .map((name) => join(directory, name));
}
