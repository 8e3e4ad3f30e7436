/** The most combinations of labels of one metric. */
export const MAX_SERIES = 10_000;

/** Counts the combinations of labels of each metric, and admits no more than there may be. */
export class SeriesLimit {
  readonly #series = new Map<string, Set<string>>();

  /** Whether a value with these labels may be recorded. */
  admit(metric: string, labels: Readonly<Record<string, string>>): boolean {
    const known = this.#series.get(metric) ?? new Set();
    this.#series.set(metric, known);
    const key = keyOf(labels);
    if (!known.has(key) && known.size >= MAX_SERIES) return false;
    known.add(key);
    return true;
  }

  /** What had these labels is gone: there is room for another. */
  release(metric: string, labels: Readonly<Record<string, string>>): void {
    this.#series.get(metric)?.delete(keyOf(labels));
  }
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
