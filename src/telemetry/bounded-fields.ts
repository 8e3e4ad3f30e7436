import { messageOf } from '../core/errors.js';
import { isPlain, printable } from '../core/printable.js';

/** The longest text, in UTF-16 code units. Text that its logger has cut already is shorter. */
const MAX_TEXT = 2048;

/** The most items of one list or group. */
const MAX_ITEMS = 100;

const MAX_DEPTH = 5;

const REDACTED = '(redacted)';

/** The longest text of a whole line, because many bounded texts are long together. */
const MAX_TOTAL = 16_384;

/** Fields whose values are never shown, whatever group they are in. */
const SECRET: ReadonlySet<string> = new Set(['password', 'token', 'authorization', 'auth']);

/**
 * The fields of one log line, made safe to write: secrets are left out, text is escaped and cut, lists and groups are cut, and deep nesting is
 * left out. This is the last line of defence: code that logs untrusted text cuts it to a useful length itself. Never throws
 * for data. Fields that are safe as they are come back as the same object.
 */
export function boundedFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return areSafe(fields) ? fields : bounded(fields);
}

/** The longest text that is certainly safe, in UTF-16 code units. */
const SHORT = 256;

/** The most fields that are certainly safe: together they are far from the limit of a line. */
const FEW = 32;

/** The types of values that are short and safe whatever they are. */
const ATOMS: ReadonlySet<string> = new Set(['number', 'boolean', 'undefined']);

/** Whether the fields are safe as they are, as those of nearly every line: making others costs more than writing these. */
function areSafe(fields: Readonly<Record<string, unknown>>): boolean {
  let count = 0;
  for (const name in fields) {
    const value = fields[name];
    const isSafe = typeof value === 'string' ? isShort(value) : ATOMS.has(typeof value);
    if (!isSafe || ++count > FEW || SECRET.has(name) || !isShort(name)) return false;
  }
  return true;
}

function isShort(text: string): boolean {
  return text.length <= SHORT && isPlain(text);
}

function bounded(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  let left = MAX_TOTAL;

  function text(value: string): string {
    const shown = printable(value, Math.max(32, Math.min(MAX_TEXT, left)));
    left -= shown.length;
    return shown;
  }

  function any(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return text(value);
    if (typeof value === 'bigint') return text(value.toString());
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Error) return text(messageOf(value));
    if (depth > MAX_DEPTH) return '…';
    return Array.isArray(value) ? list(value, depth) : group(value, depth);
  }

  function list(items: readonly unknown[], depth: number): unknown[] {
    const shown = items.slice(0, roomFor(items.length)).map((item) => any(item, depth + 1));
    return shown.length < items.length ? [...shown, `… (${items.length} items)`] : shown;
  }

  function group(value: object, depth: number): Record<string, unknown> {
    const entries = Object.entries(value);
    const shown = entries.slice(0, roomFor(entries.length));
    const cut = shown.length < entries.length ? { '…': `(${entries.length} fields)` } : {};
    const safe = (name: string, item: unknown) => (SECRET.has(name) ? REDACTED : any(item, depth + 1));
    return { ...Object.fromEntries(shown.map(([name, item]) => [text(name), safe(name, item)])), ...cut };
  }

  function roomFor(count: number): number {
    return left <= 0 ? 0 : Math.min(count, MAX_ITEMS);
  }

  return group(fields, 0);
}
