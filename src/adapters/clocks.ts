import type { Clock, WallClock } from '../core/ports.js';

/** Milliseconds since the process began, for intervals: nobody can set this clock. */
export const monotonicClock: Clock = () => performance.now();

/** Milliseconds since the epoch, for times that people read. */
export const wallClock: WallClock = () => Date.now();
