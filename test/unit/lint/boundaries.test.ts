/** Breaks each rule of lint/boundaries.json on purpose in a scratch copy, and expects the linter to say so. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const BIOME = join(ROOT, 'node_modules/.bin/biome');

/** An import that the folder may not have; the first column is where the file lies under src. */
const IMPORTS = [
  ['main.ts', './core/plan.js'],
  ['core/broken.ts', '../async/sleep.js'],
  ['core/broken.ts', 'node:crypto'],
  ['core/broken.ts', 'p-retry'],
  ['async/broken.ts', '../core/errors.js'],
  ['async/broken.ts', 'p-retry'],
  ['async/broken.ts', 'node:timers/promises'],
  ['async/retry.ts', '../core/errors.js'],
  ['firmware/broken.ts', '../async/sleep.js'],
  ['firmware/broken.ts', 'node:fs'],
  ['firmware/image/broken.ts', '../../daemon/lifecycle.js'],
  ['firmware/image/broken.ts', 'node:crypto'],
  ['firmware/shared/broken.ts', '../../core/result.js'],
  ['firmware/shared/broken.ts', '../catalogue.js'],
  ['adapters/broken.ts', 'etcd3'],
  ['adapters/broken.ts', '../telemetry/logger.js'],
  ['adapters/etcd/broken.ts', 'undici'],
  ['adapters/etcd/broken.ts', '../../daemon/lifecycle.js'],
  ['adapters/etcd/broken.ts', '../nginx/api.js'],
  ['adapters/nginx/broken.ts', 'etcd3'],
  ['adapters/nginx/broken.ts', '@grpc/grpc-js'],
  ['adapters/nginx/broken.ts', '../etcd/store.js'],
  ['adapters/mqtt/broken.ts', 'etcd3'],
  ['adapters/mqtt/broken.ts', '../../daemon/lifecycle.js'],
  ['adapters/blobs/broken.ts', '../etcd/store.js'],
  ['adapters/blobs/broken.ts', 'node:http'],
  ['adapters/probes/broken.ts', 'undici'],
  ['adapters/probes/broken.ts', '../../config/load.js'],
  ['daemon/broken.ts', '../adapters/etcd/store.js'],
  ['daemon/broken.ts', '../telemetry/logger.js'],
  ['daemon/watcher/broken.ts', '../../adapters/nginx/api.js'],
  ['daemon/watcher/broken.ts', '../../config/load.js'],
  ['daemon/watcher/broken.ts', 'pino'],
  ['daemon/watcher/broken.ts', 'node:fs'],
  ['telemetry/broken.ts', '../daemon/watcher/status.js'],
  ['telemetry/broken.ts', 'etcd3'],
  ['config/broken.ts', '../commands/program.js'],
  ['config/broken.ts', '../adapters/etcd/store.js'],
  ['config/broken.ts', 'undici'],
  ['config/broken.ts', 'convict'],
  ['config/firmware/broken.ts', '../../commands/program.js'],
  ['config/firmware/broken.ts', 'node:fs'],
  ['config/engine/broken.ts', '../watch.js'],
  ['config/engine/broken.ts', '../../daemon/watcher/watcher.js'],
  ['commands/broken.ts', '../gateway/model/address.js'],
  ['commands/broken.ts', 'etcd3'],
  ['commands/broken.ts', 'undici'],
  ['commands/broken.ts', 'pino'],
  ['commands/broken.ts', 'convict'],
  ['commands/firmware/broken.ts', '../../gateway/model/address.js'],
  ['commands/firmware/broken.ts', 'mqtt'],
  ['gateway/model/broken.ts', '../api/errors.js'],
  ['gateway/model/broken.ts', 'crypto'],
  ['gateway/balance/broken.ts', '../store/lock.js'],
  ['gateway/balance/broken.ts', 'fs'],
  ['gateway/store/broken.ts', '../api/errors.js'],
  ['gateway/store/broken.ts', 'fs'],
  ['gateway/api/broken.ts', '../njs/nginx-platform.js'],
  ['gateway/njs/broken.ts', '../../core/plan.js'],
] as const;

/** What a pure folder may not do, each as one expression. */
const IMPURE = [
  'Math.random()',
  'Math["random"]()',
  'Date.now()',
  'Date["now"]()',
  'Date?.now()',
  'new Date()',
  'new Date',
  'Date()',
  'AbortSignal.timeout(1)',
  'performance.now()',
  'setTimeout(() => 0, 1)',
  'setInterval(() => 0, 1)',
  'fetch("x")',
  'process.env',
  'console.log(1)',
  'globalThis.process',
  'global.process',
  'crypto.randomUUID()',
  'queueMicrotask(() => 0)',
  'setImmediate(() => 0)',
  'new WebSocket("x")',
  'new Worker("x")',
  'require("x")',
  '((clock = Date) => clock)()',
  '(() => { const { random } = Math; return random; })()',
] as const;
const TIMER = /^(set(Timeout|Interval|Immediate)|queueMicrotask)/;
const RANDOMNESS = /Math/;

const PURE_FILES = [
  'core/broken.ts',
  'async/broken.ts',
  'firmware/broken.ts',
  'firmware/image/broken.ts',
  'gateway/model/broken.ts',
  'gateway/balance/broken.ts',
  'gateway/store/broken.ts',
  'gateway/api/broken.ts',
];
/** The files of `async` that need a timer or randomness have that, and nothing else that is not pure. */
const ALLOWED: Readonly<Record<string, RegExp>> = {
  'async/abort.ts': TIMER,
  'async/sleep.ts': TIMER,
  'async/wakeup.ts': TIMER,
  'async/backoff.ts': RANDOMNESS,
  'async/retry.ts': RANDOMNESS,
};

/** A copy of the linter's rules with files that break them. */
class Scratch {
  readonly #root = mkdtempSync(join(tmpdir(), 'sidekick-lint-'));
  #reported: readonly { readonly path: string; readonly line: number }[] = [];
  readonly #lines = new Map<string, string[]>();

  constructor() {
    for (const file of ['biome.json', 'lint']) {
      cpSync(join(ROOT, file), join(this.#root, file), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.#root, 'node_modules'));
  }

  /** Adds a line to a file under src. */
  add(path: string, line: string): void {
    this.#lines.set(path, [...(this.#lines.get(path) ?? []), line]);
  }

  /** Writes the files, and checks them all at once. */
  check(): void {
    for (const [path, lines] of this.#lines) {
      const file = join(this.#root, 'src', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${lines.join('\n')}\n`);
    }
    const report = lint(this.#root);
    this.#reported = report.diagnostics
      .filter(({ category }) => /noRestricted|plugin/.test(category))
      .map(({ location }) => ({ path: location.path, line: location.start.line }));
  }

  /** Whether the linter finds fault with this line of this file. */
  isReported(path: string, line: string): boolean {
    const at = (this.#lines.get(path) ?? []).indexOf(line) + 1;
    if (at === 0) throw new Error(`${path} has no line ${line}`);
    return this.#reported.some((found) => found.path === `src/${path}` && found.line === at);
  }

  remove(): void {
    rmSync(this.#root, { recursive: true });
  }
}

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

function lint(directory: string): Report {
  const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', 'src'];
  try {
    return JSON.parse(
      execFileSync(BIOME, args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' }),
    ) as Report;
  } catch (error) {
    return JSON.parse((error as { stdout: string }).stdout) as Report;
  }
}

const importLine = (from: string) => `export * from '${from}';`;
const expressionLine = (expression: string) => `export const a = () => ${expression};`;
/** A type of another folder, where the lists of imports do not see it. */
const TYPE = "export type Hidden = import('../commands/program.js').Command;";
/** What a pure folder may do. */
const PURE = ["new Date('2026-01-01')", 'Date.UTC(2026, 1)', 'Date.parse("2026-01-01")', 'Math.max(1, 2)'];
const STRANGER = importLine('a-library-that-no-folder-may-import');

/** Every folder under src with a file of its own. */
function foldersOf(directory: string): string[] {
  const entries = readdirSync(join(ROOT, 'src', directory), { withFileTypes: true });
  const here = entries.some(({ name }) => name.endsWith('.ts')) ? [directory] : [];
  const below = entries.filter((entry) => entry.isDirectory());
  return [...here, ...below.flatMap(({ name }) => foldersOf(join(directory, name)))];
}
const FOLDERS = foldersOf('').filter((folder) => folder !== '');

describe('the linter, in the folders of src', () => {
  let scratch: Scratch;

  beforeAll(() => {
    scratch = new Scratch();
    for (const [path, from] of IMPORTS) scratch.add(path, importLine(from));
    for (const path of [...PURE_FILES, ...Object.keys(ALLOWED)]) {
      for (const expression of IMPURE) scratch.add(path, expressionLine(expression));
    }
    for (const folder of FOLDERS) scratch.add(`${folder}/any.ts`, STRANGER);
    for (const path of [...PURE_FILES, 'daemon/broken.ts', 'gateway/njs/broken.ts']) scratch.add(path, TYPE);
    for (const expression of PURE) scratch.add('core/broken.ts', expressionLine(expression));
    scratch.add('core/broken.ts', importLine('./plan.js'));
    scratch.add('commands/broken.ts', expressionLine('process.exit(1)'));
    scratch.add('main.ts', expressionLine('process.exit(1)'));
    scratch.check();
  });
  afterAll(() => scratch.remove());

  it.each(IMPORTS)('keeps src/%s from importing %s', (path, from) => {
    expect(scratch.isReported(path, importLine(from))).toBe(true);
  });

  it.each(FOLDERS)('keeps src/%s from importing what its list does not name', (folder) => {
    expect(scratch.isReported(`${folder}/any.ts`, STRANGER)).toBe(true);
  });

  it.each(PURE_FILES)('keeps clock, randomness and I/O out of src/%s', (path) => {
    for (const expression of IMPURE) {
      expect([expression, scratch.isReported(path, expressionLine(expression))]).toEqual([expression, true]);
    }
  });

  it.each([...PURE_FILES, 'daemon/broken.ts', 'gateway/njs/broken.ts'])(
    'keeps src/%s from importing a type inside an expression',
    (path) => {
      expect(scratch.isReported(path, TYPE)).toBe(true);
    },
  );

  it.each(Object.entries(ALLOWED))('allows src/%s what it is about, and nothing else', (path, allowed) => {
    for (const expression of IMPURE) {
      const denied = scratch.isReported(path, expressionLine(expression));
      expect([expression, denied]).toEqual([expression, !allowed.test(expression)]);
    }
  });

  it('lets main.ts alone end the process', () => {
    expect(scratch.isReported('commands/broken.ts', expressionLine('process.exit(1)'))).toBe(true);
    expect(scratch.isReported('main.ts', expressionLine('process.exit(1)'))).toBe(false);
  });

  it('lets core import core, and work with a time that it is given', () => {
    expect(scratch.isReported('core/broken.ts', importLine('./plan.js'))).toBe(false);
    for (const expression of PURE) {
      const denied = scratch.isReported('core/broken.ts', expressionLine(expression));
      expect([expression, denied]).toEqual([expression, false]);
    }
  });
});
