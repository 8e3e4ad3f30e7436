import { Command, CommanderError } from 'commander';
import { SidekickError, UsageError } from '../core/errors.js';
import { type Build, buildText } from './build.js';
import type { ArgumentSpec, CommandSpec, CommandTable, Invocation } from './command.js';
import { helpWidth } from './help-page.js';
import { printLines } from './print-lines.js';

/** What a command line runs in. */
interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream;
  readonly build: Build;
}

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

/** What sidekick is, for its help. */
export const ABOUT =
  'Service discovery for NGINX: keeps HTTP and MQTT upstreams in sync with the registrations in etcd.\n' +
  '`sidekick register` runs beside a service, `sidekick watch` beside NGINX.';

const SOURCES =
  'Every option can also be given by a variable (SIDEKICK_LEASE_TTL for --lease-ttl) or a key of the file given by ' +
  '--config (lease.ttl). A flag goes before a variable, and a variable before the file. --no-<switch> turns a switch off.';

/** Runs one command line. Resolves to the exit code: 0 done, 1 failed at run time, 2 wrong usage or configuration. */
export async function runCommandLine(
  table: CommandTable,
  argv: readonly string[],
  context: CliContext,
): Promise<number> {
  const program = new CommandLine(context);
  const root = program.root(table);
  try {
    await root.parseAsync(argv, { from: 'user' });
    return program.exitCode;
  } catch (error) {
    return explain(error, context);
  }
}

/** The commands of a table for commander. */
class CommandLine {
  exitCode = DONE;
  readonly #context: CliContext;

  constructor(context: CliContext) {
    this.#context = context;
  }

  root(table: CommandTable): Command {
    const root = configure(new Command('sidekick'), this.#context)
      .description(ABOUT)
      // What follows a command belongs to it: `firmware rollout --version 1.3.0` does not print the version of sidekick.
      .enablePositionalOptions()
      .version(buildText(this.#context.build), '-V, --version', 'Print the version.');
    this.#addCommands(root, table);
    return root;
  }

  #addCommands(parent: Command, table: CommandTable): void {
    parent.showHelpAfterError(
      `(commands are ${table.map(({ name }) => name).join(', ')}; see ${pathOf(parent)} --help)`,
    );
    const specs = new Map<Command, CommandSpec>();
    for (const entry of table) {
      const child = configure(parent.command(entry.name), this.#context).summary(entry.summary);
      if ('commands' in entry) {
        child.description(entry.summary);
        this.#addCommands(child, entry.commands);
      } else {
        specs.set(child, entry);
      }
    }
    parent.hook('preSubcommand', async (_, child) => {
      const spec = specs.get(child);
      if (spec) await this.#complete(child, spec);
    });
    for (const [child, { args }] of specs) {
      for (const { name, doc, optional } of args) child.argument(argumentTerm({ name, optional }), doc);
    }
  }

  /** Adds the options of a command and what it does, once it is the one that is used. */
  async #complete(command: Command, spec: CommandSpec): Promise<void> {
    const [scope, { addFlags, givenFlags }] = await Promise.all([spec.scope(), import('./flags.js')]);
    command.description(spec.description).showHelpAfterError(`(see ${pathOf(command)} --help)`);
    addFlags(command, scope, spec.file);
    const width = widthOf(this.#context.out);
    command.addHelpText('after', `\n${command.createHelp().boxWrap(SOURCES, width)}`);
    if (spec.examples.length > 0) {
      const examples = spec.examples.map((example) => `  ${wrapExample(example, width)}`);
      command.addHelpText('after', ['\nExamples:', ...examples].join('\n'));
    }
    command.action(async () => {
      const { loadConfig } = await import('../config/load.js');
      const { env, out, err, build } = this.#context;
      const sources = { flags: givenFlags(command), env };
      const reload = () => loadConfig(scope, sources, spec.file);
      const invocation: Invocation = {
        config: reload(),
        args: command.args,
        sources,
        reload,
        out,
        err,
        build,
      };
      this.exitCode = await spec.run(invocation);
    });
  }
}

function configure(command: Command, { out, err }: CliContext): Command {
  return command
    .exitOverride()
    .helpOption('-h, --help', 'Print this help.')
    .helpCommand(false)
    .configureHelp({
      // So that descriptions beside the longest options are wrapped in 80 columns, too.
      minWidthToWrap: 30,
      subcommandTerm: (sub) =>
        [
          sub.name(),
          ...sub.registeredArguments.map((argument) =>
            argumentTerm({ name: argument.name(), optional: !argument.required }),
          ),
        ].join(' '),
    })
    .configureOutput({
      writeOut: (text) => void out.write(text),
      writeErr: (text) => void err.write(text),
      getOutHelpWidth: () => widthOf(out),
      getErrHelpWidth: () => widthOf(err),
      // The value of an unknown flag is not printed: it may be a secret, as in `--password=…`.
      outputError: (text, write) =>
        write(text.replace(/^error: /, 'sidekick: ').replace(/('--[^\s='"]+)=[^\n]*'/, "$1'")),
    });
}

/** The words that call a command, such as `sidekick config check`. */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** An argument as the usage line has it. */
function argumentTerm({ name, optional }: Omit<ArgumentSpec, 'doc'>): string {
  return optional ? `[${name}]` : `<${name}>`;
}

/** The width of help texts. */
function widthOf(stream: NodeJS.WritableStream): number {
  return helpWidth((stream as Partial<NodeJS.WriteStream>).columns);
}

/** A command line that is broken before options where it is too long, as a shell takes it. */
function wrapExample(example: string, width: number): string {
  const room = width - '    '.length - ' \\'.length;
  const lines: string[] = [];
  for (const part of example.split(/ (?=--)/)) {
    const longer = [...lines.slice(-1), part].join(' ');
    if (longer.length > room) lines.push(part);
    else lines.splice(-1, 1, longer);
  }
  return lines.join(' \\\n    ');
}

/** Prints why a command failed. Returns the exit code. */
function explain(error: unknown, { err }: CliContext): number {
  // Commander has printed its own errors already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  const known = error instanceof SidekickError || !(error instanceof Error);
  const text = known
    ? String(error instanceof Error ? error.message : error)
    : (error.stack ?? error.message);
  printLines(err, ...`sidekick: ${text}`.split('\n'));
  return error instanceof UsageError ? WRONG_USAGE : FAILED;
}
