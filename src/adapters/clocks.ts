import type { Clock, WallClock } from '../core/ports.js';

/** For whatever takes a time: since the process began, and never set by anybody. */
export const monotonicClock: Clock = () => performance.now();

/** For times that people read. */
export const wallClock: WallClock = () => Date.now();
