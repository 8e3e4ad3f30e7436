import type { Clock, Log } from '../../core/ports.js';

/** How late a line may be, in ms. */
const LATEST = 500;

/** How often it is asked whether there is still something more urgent, in ms. */
const INTERVAL = 50;

/** A log that writes lines late. */
export interface LateLog extends Log {
  /** Writes what has not been written yet. */
  flush(): void;
}

/**
 * A log whose lines of the levels info and debug wait while there is something more urgent to do, for half a second at
 * most: ten thousand servers that are added leave ten thousand lines, and those of one group would hold up the calls for the
 * next. A warning or an error is written at once. The order of the lines stays.
 * @param isBusy Whether there is something more urgent.
 */
export function lateLog(log: Log, isBusy: () => boolean, clock: Clock): LateLog {
  let waiting: (() => void)[] = [];
  let since = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    const due = waiting;
    waiting = [];
    for (const write of due) write();
  }

  function flushLater(): void {
    timer = setTimeout(() => {
      if (isBusy() && clock() - since < LATEST) flushLater();
      else flush();
    }, INTERVAL);
  }

  function later(write: () => void): void {
    if (waiting.length === 0 && !isBusy()) write();
    else if (waiting.push(write) === 1) {
      since = clock();
      flushLater();
    }
  }

  function now(write: () => void): void {
    flush();
    write();
  }

  return {
    debug: (fields, message) => later(() => log.debug(fields, message)),
    info: (fields, message) => later(() => log.info(fields, message)),
    warn: (fields, message) => now(() => log.warn(fields, message)),
    error: (fields, message) => now(() => log.error(fields, message)),
    flush,
  };
}
