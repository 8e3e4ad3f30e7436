/** Work in steps of a bounded size, so that whoever has it done can do something else in between. */

/** Does the next part; true when all is done. Not called again after that. */
export type Step = () => boolean;

/** Calls `body` for 0 to `total` - 1, `size` of them a step. */
export function each(total: number, size: number, body: (i: number) => void): Step {
  let at = 0;
  return () => {
    const end = Math.min(total, at + size);
    for (; at < end; at++) body(at);
    return at >= total;
  };
}

/** One thing after the other. A part is made when its turn comes, so that it knows what those before it have found. */
export function sequence(parts: (() => Step)[]): Step {
  let next = 0;
  let current: Step | undefined;
  return () => {
    if (current === undefined) current = (parts[next++] as () => Step)();
    if (current()) current = undefined;
    return current === undefined && next >= parts.length;
  };
}

/** A part that is done at once. */
export function once(body: () => void): () => Step {
  return () => () => {
    body();
    return true;
  };
}

/** Does all of it. */
export function run(step: Step): void {
  while (!step());
}
