/** What became of one occurrence: shown, with the number of those before it that were not, or suppressed. */
export type Verdict = { readonly show: true; readonly suppressed: number } | { readonly show: false };

export interface Limiter {
  /** @param now Milliseconds since the epoch. */
  judge(subject: string, now: number): Verdict;
}

/** Subjects remembered at a time; those whose interval is over are forgotten when there are more. */
const MAX_SUBJECTS = 1000;

/** Lets the same subject through once in `interval` ms, and counts what it holds back. */
export function createLimiter(interval: number): Limiter {
  const seen = new Map<string, { shownAt: number; suppressed: number }>();

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
        known.suppressed += 1;
        return { show: false };
      }
      seen.delete(subject);
      seen.set(subject, { shownAt: now, suppressed: 0 });
      if (seen.size > MAX_SUBJECTS) forgetOld(now);
      return { show: true, suppressed: known?.suppressed ?? 0 };
    },
  };
}
