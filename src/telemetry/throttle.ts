/** What became of one occurrence: shown, with the number of those before it that were not, or suppressed. */
export type ThrottleDecision =
  | { readonly show: true; readonly suppressed: number }
  | { readonly show: false };

export interface Throttle {
  /** @param now By the monotonic clock, in ms. */
  judge(subject: string, now: number): ThrottleDecision;
}

/** Subjects remembered at a time; those whose interval is over are forgotten when there are more. */
const MAX_SUBJECTS = 1000;

/** Lets the same subject through `burst` times in `interval` ms (default once), and counts what it holds back. */
export function createThrottle(interval: number, burst = 1): Throttle {
  const seen = new Map<string, { shownAt: number; shown: number; suppressed: number }>();

  function forgetOld(now: number): void {
    for (const [subject, { shownAt }] of seen) {
      if (now - shownAt >= interval) seen.delete(subject);
    }
    // More than that within one interval: the oldest make room, and may show up once too often.
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
