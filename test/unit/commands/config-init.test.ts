import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { exampleConfig } from '../../../src/commands/config/example.js';
import { runCommandLine } from '../../../src/commands/program.js';
import type { Scope } from '../../../src/config/engine/schema.js';
import { registerScope } from '../../../src/config/register.js';
import { watchScope } from '../../../src/config/watch.js';
import { load } from '../config/support.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sidekick-init-'));
  path = join(directory, 'sidekick.yaml');
});

afterEach(() => rmSync(directory, { recursive: true }));

async function run(...argv: readonly string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const code = await runCommandLine(COMMANDS, argv, { env: {}, out, err, build: { version: '0' } });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}

/** The example with every option that has a default not commented out. */
function withDefaults(text: string): string {
  return text
    .split('\n')
    .map((line) => (/<[^>]+>$|<boolean>$/.test(line) ? '' : line.replace(/^#(?=\S| {2,}\S)/, '')))
    .filter((line) => !/^ {2}sidekick config check/.test(line))
    .join('\n');
}

describe.each([
  ['register', registerScope, 'services'],
  ['watch', watchScope, 'nginx'],
] as const)('sidekick config init %s', (name, scope: Scope, list) => {
  it('writes a file that config check accepts, and which sets what must be given alone', async () => {
    const written = await run('config', 'init', name, '--output', path);
    expect(written).toMatchObject({ code: 0, err: '' });
    expect(written.out).toContain(`${path} is written`);
    expect(await run('config', 'check', name, '--config', path)).toMatchObject({ code: 0, err: '' });
    const { effective } = load(scope, { file: readFileSync(path, 'utf8') });
    expect(effective[list]).toHaveLength(1);
  });

  it('prints the same without --output', async () => {
    expect((await run('config', 'init', name)).out).toBe(exampleConfig(name, scope));
  });

  it('shows each default as it is: what is commented out changes nothing', () => {
    const text = exampleConfig(name, scope);
    const groups = withDefaults(
      text.slice(0, text.indexOf(`\n#${name === 'watch' ? 'nginx' : 'services'}:\n`)),
    );
    // A group whose options all have no default is empty then.
    const file = groups.replace(/^\w+:\n(?=(?:#.*\n|\n)*(?:\w|(?![\s\S])))/gm, '');
    expect(load(scope, { file }).effective).toEqual(load(scope, { file: text }).effective);
  });
});

it('does not overwrite a file unless it is told to', async () => {
  writeFileSync(path, 'mine\n');
  const refused = await run('config', 'init', 'watch', '--output', path);
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toBe(`sidekick: output: ${path} exists already: give another file, or --force\n`);
  expect(readFileSync(path, 'utf8')).toBe('mine\n');
  expect(await run('config', 'init', 'watch', '--output', path, '--force')).toMatchObject({ code: 0 });
  expect(readFileSync(path, 'utf8')).toMatch(/^# Configuration of `sidekick watch`/);
});

it('says why a file cannot be written', async () => {
  const { code, err } = await run('config', 'init', 'watch', '--output', join(directory, 'none', 'x.yaml'));
  expect(code).toBe(1);
  expect(err).toMatch(/^sidekick: output: .* cannot be written: ENOENT/);
});
