/** Seconds in a year (365 days), a month (30 days), a week, a day, an hour, a minute and a second: the order of NGINX. */
const UNITS = [365 * 86400, 30 * 86400, 7 * 86400, 86400, 3600, 60, 1];

const TIME =
  /^(?! )(?:(\d+)y)? ?(?:(\d+)M)? ?(?:(\d+)w)? ?(?:(\d+)d)? ?(?:(\d+)h)? ?(?:(\d+)m)? ?(?:(\d+)s?)?$/;

/**
 * Reads a time as NGINX writes it (`10s`, `1m30s`, `1h`, a bare number of seconds): whole seconds, or undefined.
 * Source: https://nginx.org/en/docs/syntax.html. Milliseconds are not taken: server parameters have none.
 */
export function parseNginxTime(text: string): number | undefined {
  const groups = text.length > 0 && text.length <= 64 ? TIME.exec(text) : null;
  if (!groups) return undefined;
  const seconds = UNITS.reduce((sum, factor, i) => sum + Number(groups[i + 1] ?? 0) * factor, 0);
  return seconds <= 0x7fffffff ? seconds : undefined;
}

/** The one spelling used for comparing and sending: whole seconds, `90s`. */
export function formatNginxTime(seconds: number): string {
  return `${seconds}s`;
}
