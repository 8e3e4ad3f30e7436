import { Command, CommanderError } from 'commander';
import { SidekickError, UsageError } from '../core/errors.js';
import type { CommandSpec, Invocation } from './command.js';
import { addFlags, givenFlags } from './flags.js';
import { say } from './say.js';

/** What the command line runs in. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream;
  readonly version: string;
}

/** Commands under a common name, such as `config check`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: CommandTable;
}

export type CommandTable = readonly (CommandSpec | CommandGroup)[];

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

const ABOUT =
  'Service discovery for NGINX: keeps HTTP and MQTT upstreams equal to what is registered in etcd.\n' +
  '`sidekick register` runs beside a service, `sidekick watch` beside NGINX.';

const SOURCES =
  '\nEvery option is also a variable (--lease-ttl is SIDEKICK_LEASE_TTL) and a key of the file given by --config\n' +
  '(lease.ttl). Flags go before variables, and those before the file. Switches are undone by --no-<switch>.';

/** Runs one command line; resolves to the exit code: 0 done, 1 failed at run time, 2 wrong usage or configuration. */
export async function runCommandLine(
  table: CommandTable,
  argv: readonly string[],
  world: CliContext,
): Promise<number> {
  let code = DONE;
  const program = describe(new Command('sidekick'), world)
    .description(ABOUT)
    // What follows a command belongs to it: `firmware rollout --version 1.3.0` does not ask for our own version.
    .enablePositionalOptions()
    .version(world.version, '-V, --version', 'Print the version.');
  addCommands(program, table, world, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    return explain(error, world);
  }
}

function describe(command: Command, { out, err }: CliContext): Command {
  return command
    .exitOverride()
    .helpOption('-h, --help', 'Print this help.')
    .helpCommand(false)
    .configureHelp({
      subcommandTerm: (sub) => [sub.name(), ...sub.registeredArguments.map(argumentTerm)].join(' '),
    })
    .configureOutput({
      writeOut: (text) => void out.write(text),
      writeErr: (text) => void err.write(text),
      getOutHelpWidth: () => widthOf(out),
      getErrHelpWidth: () => widthOf(err),
      // The value of a flag that does not exist may be a secret: `--password=…`.
      outputError: (text, write) =>
        write(text.replace(/^error: /, 'sidekick: ').replace(/('--[^\s='"]+)=[^\n]*'/, "$1'")),
    });
}

/** `sidekick config check` */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function argumentTerm(argument: { name(): string }): string {
  return `<${argument.name()}>`;
}

/** A terminal's width, within what reads well. */
function widthOf(stream: NodeJS.WritableStream): number {
  const { columns } = stream as NodeJS.WriteStream;
  return Math.min(columns ?? 100, 120);
}

function addCommands(
  parent: Command,
  table: CommandTable,
  world: CliContext,
  done: (code: number) => void,
): void {
  parent.showHelpAfterError(
    `(commands are ${table.map(({ name }) => name).join(', ')}; see ${pathOf(parent)} --help)`,
  );
  for (const entry of table) {
    const child = describe(parent.command(entry.name), world).summary(entry.summary);
    if ('commands' in entry) {
      child.description(entry.summary);
      addCommands(child, entry.commands, world, done);
    } else {
      addCommand(child, entry, world, done);
    }
  }
}

function addCommand(
  command: Command,
  spec: CommandSpec,
  world: CliContext,
  done: (code: number) => void,
): void {
  command.description(spec.description).showHelpAfterError(`(see ${pathOf(command)} --help)`);
  for (const { name, doc } of spec.args) command.argument(`<${name}>`, doc);
  addFlags(command, spec.scope, spec.file);
  command.addHelpText('after', SOURCES);
  if (spec.examples.length > 0) {
    command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join('\n')}`);
  }
  command.action(async () => {
    const { loadConfig } = await import('../config/load.js');
    const sources = { flags: givenFlags(command), env: world.env };
    const reload = () => loadConfig(spec.scope, sources, spec.file);
    const { out, err, version } = world;
    const invocation: Invocation = {
      config: reload(),
      args: command.args,
      sources,
      reload,
      out,
      err,
      version,
    };
    done(await spec.run(invocation));
  });
}

function explain(error: unknown, { err }: CliContext): number {
  // It has said itself what it has to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  const known = error instanceof SidekickError || !(error instanceof Error);
  const text = known
    ? String(error instanceof Error ? error.message : error)
    : (error.stack ?? error.message);
  say(err, ...`sidekick: ${text}`.split('\n'));
  return error instanceof UsageError ? WRONG_USAGE : FAILED;
}
