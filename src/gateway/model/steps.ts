/** Incremental work: split into steps of bounded size, so that the worker can serve requests between two steps. */

/** Does the next step and returns true when all work is done. It must not be called again after that. */
export type Step = () => boolean;

/** Calls `body` with 0 to `total` - 1, `size` calls per step. */
export function each(total: number, size: number, body: (i: number) => void): Step {
  let at = 0;
  return () => {
    const end = Math.min(total, at + size);
    for (; at < end; at++) body(at);
    return at >= total;
  };
}

/** Does the parts one after the other. A part is created when its turn comes, so it can use the results of earlier ones. */
export function sequence(parts: (() => Step)[]): Step {
  let next = 0;
  let current: Step | undefined;
  return () => {
    if (current === undefined) current = (parts[next++] as () => Step)();
    if (current()) current = undefined;
    return current === undefined && next >= parts.length;
  };
}

/** A part that takes a single step. */
export function once(body: () => void): () => Step {
  return () => () => {
    body();
    return true;
  };
}

/** Does all steps at once. */
export function run(step: Step): void {
  while (!step());
}
