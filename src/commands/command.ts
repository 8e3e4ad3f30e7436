import type { Resolved } from '../config/engine/resolve.js';
import type { Lists, Schema, Scope } from '../config/engine/schema.js';
import type { FileMode, Sources } from '../config/load.js';

/** What a command is given when it runs. */
export interface Invocation<S extends Schema = Schema, L extends Lists = Lists> {
  readonly config: Resolved<S, L>;
  /** What was given in the place of the command's arguments. */
  readonly args: readonly string[];
  readonly sources: Sources;
  /** Reads the configuration again, for a reload. Throws a UsageError. */
  reload(): Resolved<S, L>;
  readonly version: string;
  /** What the user asked for goes here; logs and errors go to the standard error stream. */
  readonly out: NodeJS.WritableStream;
  /** What is said while a command runs, such as what it waits for. */
  readonly err: NodeJS.WritableStream;
}

/** What the command of a scope is given. */
export type InvocationOf<C extends Scope> = Invocation<C['options'], C['lists']>;

/** One command of the command line. */
export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The head of the command's own help. */
  readonly description: string;
  readonly args: readonly { readonly name: string; readonly doc: string }[];
  /** Shown at the end of the help. */
  readonly examples: readonly string[];
  readonly scope: Scope;
  readonly file: FileMode;
  /** Loads the command's code, which is only then paid for, and runs it. Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** Ties a command's code to the scope whose values it is given. */
export function command<S extends Schema, L extends Lists>(
  spec: Omit<CommandSpec, 'scope' | 'run'> & {
    readonly scope: Scope<S, L>;
    run(invocation: Invocation<S, L>): Promise<number>;
  },
): CommandSpec {
  return spec as unknown as CommandSpec;
}
