/** Whether one occurrence is shown, and if so, how many before it were suppressed. */
type ThrottleDecision = { readonly show: true; readonly suppressed: number } | { readonly show: false };

interface Throttle {
  /** @param now By the monotonic clock, in ms. */
  judge(subject: string, now: number): ThrottleDecision;
}

/** The most subjects that are remembered. If there are more, those whose interval is over are forgotten. */
const MAX_SUBJECTS = 1000;

/** Shows the same subject `burst` times in `interval` ms (default once), and counts what it suppresses. */
export function createThrottle(interval: number, burst = 1): Throttle {
  const seen = new Map<string, { shownAt: number; shown: number; suppressed: number }>();

  function forgetOld(now: number): void {
    for (const [subject, { shownAt }] of seen) {
      if (now - shownAt >= interval) seen.delete(subject);
    }
    // If all are within their interval, the oldest are forgotten, and may be shown once too often.
    for (const subject of seen.keys()) {
      if (seen.size <= MAX_SUBJECTS) return;
      seen.delete(subject);
    }
  }

  return {
    judge(subject, now) {
      const known = seen.get(subject);
      if (known && now >= known.shownAt && now - known.shownAt < interval) {
        if (known.shown < burst) {
          known.shown += 1;
          return { show: true, suppressed: 0 };
        }
        known.suppressed += 1;
        return { show: false };
      }
      seen.delete(subject);
      seen.set(subject, { shownAt: now, shown: 1, suppressed: 0 });
      if (seen.size > MAX_SUBJECTS) forgetOld(now);
      return { show: true, suppressed: known?.suppressed ?? 0 };
    },
  };
}
