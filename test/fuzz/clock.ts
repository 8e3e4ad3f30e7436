/** The real clock, taken before a target puts the clock under its own control. */
const { setTimeout, clearTimeout } = globalThis;

/** In ms, from no particular time. */
export const now: () => number = performance.now.bind(performance);

/** Runs `action` after so many ms; returns what calls that off. */
export function later(action: () => void, ms: number): () => void {
  const timer = setTimeout(action, ms);
  return () => clearTimeout(timer);
}
