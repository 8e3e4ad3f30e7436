import { err, ok, type Result } from './result.js';

/** Bounds for JSON from an untrusted source. */
export interface JsonBounds {
  /** Most characters. */
  readonly length: number;
  /** Most objects and arrays inside one another. */
  readonly depth: number;
  /** Most members of objects and elements of arrays, all together. */
  readonly items: number;
}

export const JSON_BOUNDS: JsonBounds = { length: 16_384, depth: 8, items: 512 };

/**
 * Reads JSON from untrusted text. One scan measures the text before it is parsed, so that JSON.parse, which takes seconds
 * for text that is nested a million deep, never gets such text, and a recursive reader of the result does not run out of
 * stack. Never throws.
 */
export function readJson(text: string, bounds: JsonBounds = JSON_BOUNDS): Result<unknown> {
  if (text.length > bounds.length) {
    return err(`must be at most ${bounds.length} characters, got ${text.length}`);
  }
  const { depth, items } = measure(text);
  if (depth > bounds.depth) return err(`must be nested at most ${bounds.depth} deep, got ${depth}`);
  if (items > bounds.items) return err(`must have at most ${bounds.items} items, got ${items}`);
  try {
    return ok(JSON.parse(text) as unknown);
  } catch (error) {
    const at = /at position (\d+)/.exec(String(error))?.[1];
    return err(`is not valid JSON${at === undefined ? '' : ` at character ${Number(at) + 1}`}`);
  }
}

/** As `readJson`, for text that must hold an object. */
export function readJsonObject(
  text: string,
  bounds: JsonBounds = JSON_BOUNDS,
): Result<Readonly<Record<string, unknown>>> {
  const value = readJson(text, bounds);
  if (!value.ok) return value;
  return isObject(value.value) ? ok(value.value) : err('must be a JSON object');
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** The greatest depth, and how many items there can be at most: each follows a comma or an opening bracket. */
function measure(text: string): { depth: number; items: number } {
  let depth = 0;
  let deepest = 0;
  let items = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COMMA) items++;
    else if (isOpening(code)) {
      items++;
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (isClosing(code)) depth--;
  }
  return { depth: deepest, items };
}

function isOpening(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

function isClosing(code: number): boolean {
  return code === 0x7d || code === 0x5d;
}

/** Where the string that begins at `start` ends; the end of the text where it does not. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

/** Whether an odd number of backslashes comes before. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
