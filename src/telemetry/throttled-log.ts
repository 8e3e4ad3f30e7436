import type { Clock, Log } from '../core/ports.js';
import { printable } from '../core/printable.js';
import { createThrottle } from './throttle.js';

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

/** What those have in common of whom there may be any number: whoever writes keys decides how many a service has. */
const CROWD = ['event', 'nginx', 'kind', 'upstream', 'service'] as const;

/** Most lines of one crowd in an interval. */
const CROWD_LINES = 20;

/** How long a warning or error about the same is not repeated, in ms. */
export const LOG_INTERVAL = 10_000;

/**
 * Keeps storms out of the log: the same warning or error about the same subject is written at most once in `interval`
 * ms, with the number of those held back since (`suppressed`), and the same about many subjects of one service or group
 * at most 20 times. Info and debug lines tell a story, and all pass.
 */
export function throttleLog(log: Log, clock: Clock, interval = LOG_INTERVAL): Log {
  const limiter = createThrottle(interval);
  const crowds = createThrottle(interval, CROWD_LINES);

  // Cut, as it is remembered for a while, and a key may be as long as somebody made it.
  function about(names: readonly string[], fields: Parameters<Log['warn']>[0]): readonly string[] {
    return names.map((name) => printable(JSON.stringify(fields[name]) ?? ''));
  }

  function limited(level: 'warn' | 'error'): Log['warn'] {
    return (fields, message) => {
      const now = clock();
      const same = limiter.judge(JSON.stringify([level, message, ...about(SUBJECT, fields)]), now);
      if (!same.show) return;
      const crowd = crowds.judge(JSON.stringify([level, ...about(CROWD, fields)]), now);
      if (!crowd.show) return;
      const suppressed = same.suppressed + crowd.suppressed;
      log[level](suppressed > 0 ? { ...fields, suppressed } : fields, message);
    };
  }

  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: limited('warn'),
    error: limited('error'),
  };
}
