import type { ArgumentSpec, CommandGroup, CommandSpec, CommandTable } from './command.js';
import { type FlagDescription, flagsOf } from './flags.js';
import { ABOUT } from './program.js';

/** Everything that is known of a command or a group of commands; the root stands for `sidekick` itself. */
export interface CommandDescription {
  /** The words after `sidekick`, such as `config`, `check`. */
  readonly path: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly args: readonly ArgumentSpec[];
  readonly flags: readonly FlagDescription[];
  readonly examples: readonly string[];
  /** The commands of a group; empty for a command. */
  readonly commands: readonly CommandDescription[];
}

const HELP: FlagDescription = {
  flag: '--help',
  placeholder: '',
  doc: 'Print this help.',
  value: 'none',
  repeatable: false,
};

const VERSION: FlagDescription = { ...HELP, flag: '--version', doc: 'Print the version.' };

/** Describes a whole table, with the options of every command. */
export async function describeCommands(table: CommandTable): Promise<CommandDescription> {
  const root = await describeGroup([], { name: 'sidekick', summary: ABOUT, commands: table });
  return { ...root, flags: [...root.flags, VERSION] };
}

/** A description and all those below it, each before those below it. */
export function everyCommand(root: CommandDescription): readonly CommandDescription[] {
  return [root, ...root.commands.flatMap(everyCommand)];
}

async function describeGroup(
  path: readonly string[],
  { summary, commands }: CommandGroup,
): Promise<CommandDescription> {
  const described = commands.map((entry) => {
    const below = [...path, entry.name];
    return 'commands' in entry ? describeGroup(below, entry) : describeCommand(below, entry);
  });
  const nothing = { args: [], flags: [HELP], examples: [] };
  return { path, summary, description: summary, ...nothing, commands: await Promise.all(described) };
}

async function describeCommand(path: readonly string[], spec: CommandSpec): Promise<CommandDescription> {
  const { summary, description, args, examples } = spec;
  const flags = [...flagsOf(await spec.scope(), spec.file), HELP];
  return { path, summary, description, args, flags, examples, commands: [] };
}
