/** What a command line loads before it does anything: a quick answer comes from little code. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const IMPORT = /^(?:import|export)\s(?!type\s)[^;]*?from '([^']+)'|^import '([^']+)'/gm;

/** The modules that a module loads with it, packages by their names; what it loads on use is not among them. */
function loadedWith(path: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const [, from, bare] of readFileSync(path, 'utf8').matchAll(IMPORT)) {
    const name = from ?? bare ?? '';
    if (!name.startsWith('.')) found.add(name);
    else loadedWith(normalize(join(dirname(path), name.replace(/\.js$/, '.ts'))), found);
  }
  return found;
}

const packagesOf = (...paths: readonly string[]) =>
  [...new Set(paths.flatMap((path) => [...loadedWith(path)]))]
    .filter((name) => !name.startsWith('node:') && !existsSync(name))
    .sort();

describe('without a command', () => {
  it('loads no parser of command lines for --version and --help', () => {
    expect([...loadedWith('src/main.ts')].sort()).toEqual([
      'node:fs',
      'src/commands/build.ts',
      'src/commands/help-page.ts',
      'src/commands/quick-answer.ts',
      'src/commands/standard-output.ts',
      'src/main.ts',
    ]);
  });

  it('loads the parser of command lines alone for wrong usage', () => {
    expect(packagesOf('src/commands/run-sidekick.ts')).toEqual(['commander']);
    expect(loadedWith('src/commands/run-sidekick.ts').size).toBeLessThan(30);
  });
});

describe('the help of a command', () => {
  it.each(['events', 'version', 'init', 'none'])('needs no library for the options in config/%s', (name) => {
    expect(packagesOf('src/commands/flags.ts', `src/config/${name}.ts`)).toEqual(['commander']);
  });

  it('finds what a module loads', () => {
    expect(packagesOf('src/adapters/etcd/connect.ts')).toContain('etcd3');
  });
});
