/** vitest's global set-up of the integration tests: see test/support/occurrences.ts. Returns its teardown. */
import { beginOccurrences } from '../support/occurrences.js';

export function setup(): () => void {
  return beginOccurrences();
}
