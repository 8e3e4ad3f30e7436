import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/commands/commands.js';
import { COMPLETIONS } from '../../../src/commands/completion/completion.js';
import { type CommandDescription, describeCommands, everyCommand } from '../../../src/commands/describe.js';

let all: readonly CommandDescription[];
let directory: string;

beforeAll(async () => {
  const root = await describeCommands(COMMANDS);
  all = everyCommand(root);
  directory = mkdtempSync(join(tmpdir(), 'sidekick-completion-'));
  for (const [shell, script] of Object.entries(COMPLETIONS))
    writeFileSync(join(directory, shell), script(root));
  writeFileSync(join(directory, 'lamp.bin'), '');
});

afterAll(() => rmSync(directory, { recursive: true }));

/** What bash offers for command lines, each given by its words as bash splits them; the last is the one to complete. */
function bashReplies(lines: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const script = `
source ./bash
compopt() { :; } # works only while bash itself completes
while IFS= read -r line; do
  IFS=$'\\x1f' read -ra COMP_WORDS <<<"$line"
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
  COMP_WORDS[COMP_CWORD]=\${COMP_WORDS[COMP_CWORD]%.} # a word that is empty cannot be read
  _sidekick
  echo "\${COMPREPLY[*]}"
done`;
  const input = lines.map((words) => `${['sidekick', ...words].join('\x1f')}.\n`).join('');
  const { stdout, stderr, status } = spawnSync('bash', ['-u', '-c', script], {
    cwd: directory,
    input,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').filter((word) => word !== ''));
}

const complete = (...words: readonly string[]) => bashReplies([words])[0];

describe('bash', () => {
  it('completes every command of every group', () => {
    const groups = all.filter(({ commands }) => commands.length > 0);
    const replies = bashReplies(groups.map(({ path }) => [...path, '']));
    expect(replies).toEqual(groups.map(({ commands }) => commands.map(({ path }) => path.at(-1))));
  });

  it('completes every flag of every command', () => {
    const replies = bashReplies(all.map(({ path }) => [...path, '--']));
    expect(replies).toEqual(all.map(({ flags }) => flags.map(({ flag }) => flag)));
  });

  it('completes the values of a flag that has few, also after =', () => {
    expect(complete('register', '--probe-type', '')).toEqual(['tcp', 'http', 'mqtt', 'exec']);
    expect(complete('register', '--probe-type', '=', 'm')).toEqual(['mqtt']);
    expect(complete('register', '--probe-type', '=')).toEqual(['tcp', 'http', 'mqtt', 'exec']);
  });

  it('completes a file where a file is meant', () => {
    expect(complete('watch', '--config', 'la')).toEqual(['lamp.bin']);
    expect(complete('firmware', 'publish', 'la')).toEqual(['lamp.bin']);
  });

  it('offers nothing for a value that only the user knows', () => {
    expect(complete('register', '--service', '')).toEqual([]);
  });

  it('does not take the value of a flag for a command', () => {
    expect(complete('register', '--service', 'watch', '--dry')).toEqual([]);
    expect(complete('register', '--service', 'watch', '--drain')).toEqual(['--drain-timeout']);
  });
});

it.each(Object.keys(COMPLETIONS))('the completion of %s names every command and every flag', (shell) => {
  const text = COMPLETIONS[shell as keyof typeof COMPLETIONS](all[0] as CommandDescription);
  const flagText = (flag: string) => (shell === 'fish' ? `-l ${flag.slice(2)}` : flag);
  for (const { path, flags } of all) {
    expect(text).toContain(path.at(-1) ?? '');
    for (const { flag } of flags) expect(text).toContain(flagText(flag));
  }
});
