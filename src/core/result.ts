import { escapeUnprintable } from './printable.js';

/** The outcome of reading untrusted input: a value, or why there is none. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function err(reason: string): Result<never> {
  return { ok: false, reason };
}

/** Names an untrusted value in a message. Of an array or object only the kind is named, since it may be deeply nested. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : quote(String(value));
}

/** Quotes untrusted text for a log line: at most `limit` characters of it (default 64), escaped. */
export function quote(text: string, limit = 64): string {
  return escapeUnprintable(JSON.stringify(text.length > limit ? `${text.slice(0, limit)}…` : text));
}
