import type { Resolved } from '../config/engine/resolve.js';
import type { Lists, Schema, Scope } from '../config/engine/schema.js';
import type { FileMode, Sources } from '../config/load.js';
import type { Build } from './build.js';

/** What a command is given when it runs. */
export interface Invocation<S extends Schema = Schema, L extends Lists = Lists> {
  readonly config: Resolved<S, L>;
  /** The values of the command's arguments. */
  readonly args: readonly string[];
  readonly sources: Sources;
  /** Reads the configuration again, for a reload. Throws a UsageError. */
  reload(): Resolved<S, L>;
  readonly build: Build;
  /** For the result of the command. Logs and errors go to the standard error stream. */
  readonly out: NodeJS.WritableStream;
  /** For progress, such as what the command waits for. */
  readonly err: NodeJS.WritableStream;
}

/** The invocation of a command with this scope. */
export type InvocationOf<C extends Scope> = Invocation<C['options'], C['lists']>;

/** An argument of a command. */
export interface ArgumentSpec {
  readonly name: string;
  readonly doc: string;
  /** What a shell can complete it to; default nothing. */
  readonly value?: 'file';
  /** Default: false. Only the last ones may be. */
  readonly optional?: boolean | undefined;
}

/** One command of the command line. */
export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The first lines of the command's help. */
  readonly description: string;
  readonly args: readonly ArgumentSpec[];
  /** Shown at the end of the help. */
  readonly examples: readonly string[];
  /** Loads the options of the command. Called only for the command that is run or whose help is printed. */
  scope(): Promise<Scope>;
  readonly file: FileMode;
  /** Loads the code of the command and runs it. Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** A command whose code is given the values of its scope. */
export function command<S extends Schema, L extends Lists>(
  spec: Omit<CommandSpec, 'scope' | 'run'> & {
    scope(): Promise<Scope<S, L>>;
    run(invocation: Invocation<S, L>): Promise<number>;
  },
): CommandSpec {
  return spec as unknown as CommandSpec;
}

/** Commands under a common name, such as `config check`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: CommandTable;
}

export type CommandTable = readonly (CommandSpec | CommandGroup)[];
