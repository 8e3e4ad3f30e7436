/** Every command line of sidekick that people are shown is one that the program takes: commands, arguments, options, values. */
import { describe, expect, it } from 'vitest';
import type { CommandTable } from '../../../src/commands/command.js';
import { COMMANDS } from '../../../src/commands/commands.js';
import { faultOf, sidekickArguments } from './command-line.js';
import { DOCUMENTS, inlineCode, linesOfCode, read } from './documents.js';

/** Examples in the help texts. */
function examplesOf(table: CommandTable): readonly string[] {
  return table.flatMap((entry) => ('commands' in entry ? examplesOf(entry.commands) : entry.examples));
}

const inBlocks = DOCUMENTS.flatMap((path) => linesOfCode(read(path)));
const inHelp = examplesOf(COMMANDS);
const inCompose = linesOfCode(`\`\`\`\n${read('docker/compose.yaml').replace(/^# */gm, '')}\`\`\`\n`);
/** What release keys sign, not what anybody runs: see docs/firmware.md. */
const SIGNED_TEXT = /^sidekick firmware release 1$/;
const inText = DOCUMENTS.flatMap((path) => inlineCode(read(path))).filter(
  (code) => code.startsWith('sidekick ') && !SIGNED_TEXT.test(code),
);

const commandLines = (lines: readonly string[]) => [
  ...new Set(lines.filter((line) => sidekickArguments(line) !== undefined)),
];

async function fault(line: string, isComplete: boolean): Promise<string | undefined> {
  return faultOf(sidekickArguments(line) ?? [], isComplete);
}

describe('a command line', () => {
  it.each(commandLines([...inBlocks, ...inHelp, ...inCompose]))('parses in full: %s', async (line) => {
    expect(await fault(line, true)).toBeUndefined();
  });

  it.each(commandLines(inText))('names what exists, in the running text: %s', async (line) => {
    expect(await fault(line, false)).toBeUndefined();
  });

  it('is found in every way that it is written', () => {
    const found = commandLines([...inBlocks, ...inCompose]);
    for (const way of [/^sidekick /, /^docker run /, /^node dist/, /^docker compose .* operator /]) {
      expect(found.filter((line) => way.test(line))).not.toEqual([]);
    }
  });

  it.each([
    ['sidekick observe', 'no such command'],
    ['sidekick firmware observe', 'no such command'],
    ['sidekick drain firmware', 'too few arguments'],
    ['sidekick status firmware mqtt', 'too many arguments: firmware mqtt'],
    ['sidekick status --whole', 'no option --whole'],
    ['sidekick events --since', '--since has no value'],
    ['docker run --network host sidekick watch --drain-timeout-http soon', /^--drain-timeout-http must be/],
  ])('is refused where it is wrong: %s', async (line, reason) => {
    const said = await fault(line, true);
    if (typeof reason === 'string') expect(said).toBe(reason);
    else expect(said).toMatch(reason);
  });
});
