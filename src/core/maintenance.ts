import { printable } from './printable.js';

/** Who drains an instance, when and why, as far as the request says. For people only: nothing is decided on it. */
export interface Maintenance {
  /** Such as `root@lb1`; nobody has checked it. */
  readonly by?: string;
  /** ISO 8601, in UTC, by the clock of whoever asked. */
  readonly at?: string;
  readonly reason?: string;
}

/** The longest request that is read, in characters; a longer one stands too, but does not say by whom or why. */
const MAX_LENGTH = 4096;

/** The longest `by` and `reason`, in characters. */
const MAX_REASON = 200;

/** The value of a request's key. */
export function encodeMaintenance({ by, at, reason }: Maintenance): string {
  return JSON.stringify({ by, at, reason: reason?.slice(0, MAX_REASON) });
}

/**
 * Reads a request's value. It is untrusted, and the request stands whatever it says: fields that cannot be read are left
 * out, the others are safe to print. Never throws.
 */
export function decodeMaintenance(value: string): Maintenance {
  const { by, at, reason } = readObject(value);
  const time = typeof at === 'string' && at.length <= 40 ? Date.parse(at) : Number.NaN;
  return {
    ...(isText(by) ? { by: printable(by, MAX_REASON) } : {}),
    ...(Number.isNaN(time) ? {} : { at: new Date(time).toISOString() }),
    ...(isText(reason) ? { reason: printable(reason, MAX_REASON) } : {}),
  };
}

/** In words: `by root@lb1 at 2026-01-31T12:00:00.000Z: new disk`; empty where nothing is known. */
export function describeMaintenance({ by, at, reason }: Maintenance): string {
  const who = [...(by === undefined ? [] : [`by ${by}`]), ...(at === undefined ? [] : [`at ${at}`])].join(
    ' ',
  );
  return [who, reason ?? ''].filter((part) => part !== '').join(': ');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function readObject(value: string): Readonly<Record<string, unknown>> {
  if (value.length > MAX_LENGTH) return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
