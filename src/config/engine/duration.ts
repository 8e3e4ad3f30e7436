/** Milliseconds in each unit, in the order in which they are written. */
const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const DURATION = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Longest duration taken, in ms: what a timer of Node.js can wait for (about 24.8 days). */
const MAX = 0x7fffffff;

/** Reads `15s`, `5m`, `250ms`, `1m30s` as milliseconds; undefined where it is none. A number needs its unit. */
export function parseDuration(text: string): number | undefined {
  const groups = text.length > 0 && text.length <= 64 ? DURATION.exec(text) : null;
  if (!groups) return undefined;
  const ms = UNITS.reduce((sum, [, factor], i) => sum + Number(groups[i + 1] ?? 0) * factor, 0);
  return ms <= MAX ? ms : undefined;
}

/** The shortest spelling that `parseDuration` reads back: 90000 is `1m30s`. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  const parts = UNITS.map(([unit, factor]) => {
    const count = Math.floor(rest / factor);
    rest -= count * factor;
    return count > 0 ? `${count}${unit}` : '';
  });
  return parts.join('') || '0s';
}
