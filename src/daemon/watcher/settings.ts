import type { UpstreamRef } from '../../core/upstream.js';
import type { WatcherOptions } from './options.js';

/** The longest a drain in this upstream may take, in ms: its own where a rule says so, its kind's otherwise. */
export function drainTimeoutOf({ kind, name }: UpstreamRef, options: WatcherOptions): number {
  const rule = options.upstreams.find(
    (candidate) =>
      candidate.kind === kind && candidate.upstream === name && candidate.drainTimeout !== undefined,
  );
  return rule?.drainTimeout ?? options.drainTimeout[kind];
}

/** How soon to look at draining servers again, in ms: the longer the drain has gone on, the less often. */
export function drainPoll(since: number, now: number, { min, max }: { min: number; max: number }): number {
  return Math.min(max, Math.max(min, (now - since) / 4));
}

/** Exponential back-off with full jitter over its upper half, in ms. `failures` in a row, at least 1. */
export function backOff(
  failures: number,
  { min, max }: { min: number; max: number },
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(max, min * 2 ** Math.min(failures - 1, 16));
  return ceiling * (0.5 + random() / 2);
}
