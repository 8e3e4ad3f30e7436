/** A log and a meter that only remember. */
import type { Log, Meter } from '../../src/core/ports.js';

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** In ms since the epoch. */
  readonly at: number;
  readonly event: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function recordingLog(): Log & { readonly lines: Line[]; events(name: string): Line[] } {
  const lines: Line[] = [];
  const at = (level: Line['level']) => (fields: Readonly<Record<string, unknown>>) => {
    lines.push({ level, at: Date.now(), event: fields.event, fields });
  };
  return {
    lines,
    events: (name) => lines.filter(({ event }) => event === name),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}

export function recordingMeter(): Meter & {
  readonly counts: Map<string, number>;
  readonly gauges: Map<string, number>;
} {
  const counts = new Map<string, number>();
  const gauges = new Map<string, number>();
  return {
    counts,
    gauges,
    count: (name, _labels, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by),
    gauge: (name, value) => void gauges.set(name, value),
  };
}
