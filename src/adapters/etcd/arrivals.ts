import { setImmediate as nextTurn } from 'node:timers/promises';

/** A stream of objects, as Node.js has it. */
export interface ObjectStream<T> extends AsyncIterable<T> {
  /** How many objects have arrived and have not been taken. */
  readonly readableLength: number;
}

/** Most objects in one list, so that a stream without a pause is shown too. */
const MOST_TOGETHER = 1_000;

/**
 * The objects of a stream in lists, each of what arrived in one turn of the event loop: where many come, the work for each
 * list is done once and not for each object. Nothing waits for what comes later. Rejects as the stream does.
 */
export async function* arrivals<T>(stream: ObjectStream<T>): AsyncGenerator<readonly T[], void> {
  let together: T[] = [];
  for await (const object of stream) {
    together.push(object);
    // Objects that were read from the network at once come one by one within the turn.
    if (stream.readableLength === 0) await nextTurn();
    if (stream.readableLength > 0 && together.length < MOST_TOGETHER) continue;
    yield together;
    together = [];
  }
}
