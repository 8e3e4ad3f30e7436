import type { Clock, Log } from '../core/ports.js';
import { printable } from '../core/printable.js';
import { createLimiter } from './limiter.js';

/** The fields that say what an event is about. The same event about something else is another event. */
const SUBJECT = [
  'event',
  'nginx',
  'kind',
  'upstream',
  'service',
  'address',
  'key',
  'endpoint',
  'watcher',
] as const;

/** How long a warning or error about the same is not repeated, in ms. */
export const LOG_INTERVAL = 10_000;

/**
 * Keeps storms out of the log: the same warning or error about the same subject is written at most once in `interval`
 * ms, with the number of those held back since (`suppressed`). Info and debug lines tell a story, and all pass.
 */
export function limitLog(log: Log, clock: Clock, interval = LOG_INTERVAL): Log {
  const limiter = createLimiter(interval);

  function limited(level: 'warn' | 'error'): Log['warn'] {
    return (fields, message) => {
      // Cut, as it is remembered for a while, and a key may be as long as somebody made it.
      const about = SUBJECT.map((name) => printable(JSON.stringify(fields[name]) ?? ''));
      const subject = JSON.stringify([level, message, ...about]);
      const verdict = limiter.judge(subject, clock());
      if (!verdict.show) return;
      log[level](verdict.suppressed > 0 ? { ...fields, suppressed: verdict.suppressed } : fields, message);
    };
  }

  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: limited('warn'),
    error: limited('error'),
  };
}
