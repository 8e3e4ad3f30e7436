import type { Lists, Schema, Scope } from './engine/schema.js';
import { runSwitch } from './engine/schema.js';

/** The options of `sidekick config check` and `print` for a command: its own, and `--json`. */
export function configReportScope<S extends Schema, L extends Lists>({ options, lists }: Scope<S, L>) {
  return { options: { ...options, json: runSwitch('Print the result as JSON.') }, lists };
}
