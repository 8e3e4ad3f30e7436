import { UsageError } from '../../core/errors.js';

/** One thing wrong with a configuration. */
export interface Problem {
  /** Such as `services[1].probe.type`. */
  readonly key: string;
  /** Names the value and what is allowed. */
  readonly reason: string;
  /** Where the value came from: a flag, a variable or a file. */
  readonly origin?: string | undefined;
}

/** Throws every problem in one UsageError; returns where there is none. */
export function refuseProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ key, reason, origin }) => `${key}: ${reason}${origin ? ` (${origin})` : ''}`);
  const [first] = lines;
  throw new UsageError(
    lines.length === 1 && first !== undefined
      ? first
      : `${lines.length} problems in the configuration\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
}
