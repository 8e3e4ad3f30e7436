import { quote } from '../../core/result.js';

/** What stands in the place of a sensitive value. */
export const HIDDEN = '(hidden)';

/**
 * A value in an error message: text quoted and cut, numbers and the like as they are, and passwords in URLs hidden.
 * A list or a group is only named as such, because a secret may be in it by mistake.
 */
export function show(value: unknown): string {
  if (typeof value === 'string') return quote(value.replace(/\/\/.*@/gs, `//${HIDDEN}@`));
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of keys and values';
  return String(value);
}
