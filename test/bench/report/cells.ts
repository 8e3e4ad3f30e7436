/** Rows as text: what the table on the terminal and the documents show. Pure. */
import type { ContenderName } from '../contenders/index.js';
import type { Figure } from '../stats.js';
import type { Row, Target, Unit } from './report.js';

export const HEAD = ['work', 'floor', 'sidekick', 'to the floor', 'shell loop', 'target'] as const;

/** Three digits that count: `0.71`, `4.31`, `43.1`, `431`, `4,310`. */
export function number(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en-US', {
    minimumFractionDigits: 0,
    maximumFractionDigits: Math.min(2, digits),
  });
}

function measure(text: string, unit: Unit): string {
  return unit === '' ? text : `${text} ${unit}`;
}

/** `4.3 ms (4.1–4.9)`; nothing where it was not measured. */
export function figure(value: Figure | undefined, unit: Unit): string {
  if (value === undefined) return '';
  const middle = measure(number(value.value), unit);
  return value.low === value.high ? middle : `${middle} (${number(value.low)}–${number(value.high)})`;
}

/** sidekick's value by the floor's; undefined where the floor is nothing. */
function timesFloor({ figures: { floor, sidekick } }: Row): number | undefined {
  if (floor === undefined || sidekick === undefined || floor.value === 0) return undefined;
  return sidekick.value / floor.value;
}

/** Every part of a target as text, and whether it was met. */
function targetParts(row: Row, target: Target): readonly (readonly [string, boolean])[] {
  const { sidekick, 'shell loop': shell } = row.figures;
  const times = timesFloor(row);
  const found: (readonly [string, boolean] | undefined)[] = [
    target.timesFloor === undefined || times === undefined
      ? undefined
      : [`≤ ${target.timesFloor} × floor`, times <= target.timesFloor],
    target.atMost === undefined || sidekick === undefined
      ? undefined
      : [`≤ ${measure(number(target.atMost), row.unit)}`, sidekick.value <= target.atMost],
    target.shellTimes === undefined || shell === undefined || sidekick === undefined
      ? undefined
      : [`≥ ${target.shellTimes} × faster than the loop`, shell.value / sidekick.value >= target.shellTimes],
  ];
  return found.filter((each) => each !== undefined);
}

function targetCell(row: Row): string {
  return targetParts(row, row.target ?? {})
    .map(([text, met]) => `${text}: ${met ? 'met' : 'missed'}`)
    .join('; ');
}

/** The cells of a row, in the order of {@link HEAD}. */
export function cells(row: Row): string[] {
  const of = (name: ContenderName) => figure(row.figures[name], row.unit);
  const times = timesFloor(row);
  return [
    row.work,
    of('floor'),
    of('sidekick'),
    times === undefined ? '' : `${number(times)} ×`,
    of('shell loop'),
    targetCell(row),
  ];
}
