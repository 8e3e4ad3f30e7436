/**
 * Runs a task for each item, at most `limit` at a time, in the order of the items. Every item gets its turn, also after
 * a failure of another; at the end, rejects with an AggregateError of all failures.
 */
export async function forEach<T>(
  items: Iterable<T>,
  limit: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const failures: unknown[] = [];
  async function work(): Promise<void> {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      try {
        await task(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, work));
  const [first] = failures;
  if (failures.length === 0) return;
  throw new AggregateError(failures, first instanceof Error ? first.message : String(first));
}
