import type { Clock, Log } from '../core/ports.js';
import { printable } from '../core/printable.js';
import { createThrottle } from './throttle.js';

/** The fields that tell what an event is about. The same event about something else counts as another one. */
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

/** The fields that many subjects share: whoever writes keys decides how many subjects a service has. */
const CROWD = ['event', 'nginx', 'kind', 'upstream', 'service'] as const;

/** The most lines of one crowd in an interval. */
const CROWD_LINES = 20;

/** How long the same warning or error about the same subject is suppressed, in ms. */
const LOG_INTERVAL = 10_000;

/**
 * A log without storms: the same warning or error about the same subject is written at most once in `interval` ms, with the
 * number of suppressed ones (`suppressed`), and about many subjects of one service or upstream at most 20 times. Lines at the
 * levels info and debug are never suppressed.
 */
export function throttleLog(log: Log, clock: Clock, interval = LOG_INTERVAL): Log {
  const limiter = createThrottle(interval);
  const crowds = createThrottle(interval, CROWD_LINES);

  // Cut, because it is remembered for a while, and whoever writes a key decides how long it is.
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
