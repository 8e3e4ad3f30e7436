/** Why a part broke off, in one line. */
import { messageOf } from '../../../src/core/errors.js';

/** `SuppressedError` of the explicit resource management proposal; Node.js 20 has it from the compiler's helpers alone. */
interface Suppressed {
  /** What ending failed with. */
  readonly error: unknown;
  /** What had failed before. */
  readonly suppressed: unknown;
}

function isSuppressed(error: unknown): error is Suppressed {
  return error instanceof Error && 'error' in error && 'suppressed' in error;
}

/** What a part failed with; where ending it failed as well, what came first stands first. */
export function failureText(error: unknown): string {
  if (!isSuppressed(error)) return messageOf(error);
  return `${failureText(error.suppressed)}; then, at its end: ${failureText(error.error)}`;
}
