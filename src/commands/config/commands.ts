import type { Lists, Schema, Scope } from '../../config/engine/schema.js';
import { type CommandGroup, type CommandTable, command } from '../command.js';

/** The daemons, which have a configuration, with what loads their options. */
const DAEMONS = {
  register: async () => (await import('../../config/register.js')).registerScope,
  watch: async () => (await import('../../config/watch.js')).watchScope,
};

type DaemonName = keyof typeof DAEMONS;

const NAMES = Object.keys(DAEMONS) as readonly DaemonName[];

/** `sidekick config …`. */
export const CONFIG_COMMANDS: CommandTable = [
  reportCommands('check', 'Check the configuration'),
  reportCommands('print', 'Print the effective configuration'),
  {
    name: 'init',
    summary: 'Write an example configuration of a command.',
    commands: NAMES.map(initCommand),
  },
];

/** `config check register` and the like take the options of the command itself. */
function reportCommands(verb: 'check' | 'print', what: string): CommandGroup {
  const common = (name: string) => ({
    name,
    summary: `${what} of \`sidekick ${name}\`.`,
    description: `${what} of \`sidekick ${name}\` for the same options.`,
    args: [],
    examples: [`sidekick config ${verb} ${name} --config /etc/sidekick/${name}.yaml`],
    file: 'strict' as const,
  });
  return {
    name: verb,
    summary: `${what} of a command.`,
    commands: [
      command({
        ...common('register'),
        scope: () => withJson(DAEMONS.register),
        run: async (invocation) => (await import('./report.js')).registerConfig(verb, invocation),
      }),
      command({
        ...common('watch'),
        scope: () => withJson(DAEMONS.watch),
        run: async (invocation) => (await import('./report.js')).watchConfig(verb, invocation),
      }),
    ],
  };
}

async function withJson<S extends Schema, L extends Lists>(scope: () => Promise<Scope<S, L>>) {
  const [{ configReportScope }, own] = await Promise.all([import('../../config/config-report.js'), scope()]);
  return configReportScope(own);
}

function initCommand(name: DaemonName) {
  return command({
    name,
    summary: `Write an example configuration of \`sidekick ${name}\`.`,
    description:
      `Writes a file with every option of \`sidekick ${name}\`, each with its meaning and its default, to begin with.\n` +
      'The options that must be given have example values.',
    args: [],
    examples: [`sidekick config init ${name} --output /etc/sidekick/${name}.yaml`],
    scope: async () => (await import('../../config/init.js')).configInitScope,
    file: 'none',
    run: async (invocation) =>
      (await import('./init.js')).initConfig(name, await DAEMONS[name](), invocation),
  });
}
