import { expect, it } from 'vitest';
import type { CommandSpec, CommandTable } from '../../../src/commands/command.js';
import { COMMANDS } from '../../../src/commands/commands.js';
import { flatOptions, type Scope } from '../../../src/config/engine/schema.js';
import { SCOPES } from '../../../src/config/scopes.js';

/** Every command by its whole name, such as `firmware status`. */
function commandsOf(table: CommandTable, path = ''): readonly (readonly [string, CommandSpec])[] {
  return table.flatMap((entry) =>
    'commands' in entry
      ? commandsOf(entry.commands, `${path}${entry.name} `)
      : [[`${path}${entry.name}`, entry] as const],
  );
}

/** They take the options of the command that they check or print. */
const OF_ANOTHER = /^config (check|print) /;

it('every command that takes options is among the scopes, which are the reference and the keys that a file may have', async () => {
  const known = new Set<Scope>(Object.values(SCOPES));
  const missing = [];
  for (const [name, command] of commandsOf(COMMANDS)) {
    const scope = await command.scope();
    if (flatOptions(scope).size > 0 && !OF_ANOTHER.test(name) && !known.has(scope)) missing.push(name);
  }
  expect(missing).toEqual([]);
});
