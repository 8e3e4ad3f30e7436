import { COUNTERS, type Counts, countsOf, NO_COUNTS, type OutcomeRecord } from './outcomes.js';
import type { ReleaseId } from './names.js';

/** How many devices have which outcome, each counted once. */
export interface Figures {
  readonly offered: number;
  readonly downloaded: number;
  readonly booted: number;
  /** Of `booted`: so far only their ClientId, which is back on MQTT, says so. They will say what they run when they ask. */
  readonly returned: number;
  readonly failed: number;
  readonly lost: number;
  /** They have downloaded it and say of themselves neither version nor hash. */
  readonly unknown: number;
  /** Offered it, and nothing more is known yet. */
  readonly inFlight: number;
}

/** The counters of several NGINX together. */
export function sum(all: Iterable<Counts>): Counts {
  const list = [...all];
  return countsOf((counter) => list.reduce((total, counts) => total + counts[counter], 0));
}

/** The counters of one NGINX as two watchers read them: they only grow, so the greater number is the newer one. */
export function newest(a: Counts, b: Counts): Counts {
  return countsOf((counter) => Math.max(a[counter], b[counter]));
}

/** What was counted since `before`; nothing below 0, for `before` may have been counted by a watcher that had read more. */
export function difference(now: Counts, before: Counts): Counts {
  return countsOf((counter) => Math.max(0, now[counter] - before[counter]));
}

export function isSame(a: Counts, b: Counts): boolean {
  return COUNTERS.every((counter) => a[counter] === b[counter]);
}

/** What was counted of a release by every NGINX in all its lives. */
export function total(outcomes: Iterable<Pick<OutcomeRecord, 'counts'>>, version: ReleaseId): Counts {
  return sum([...outcomes].map(({ counts }) => counts.get(version) ?? NO_COUNTS));
}

export function figuresOf(counts: Counts): Figures {
  const { offered, downloaded } = counts;
  // What was counted since a moment may have recovered from before it.
  const failed = Math.max(0, counts.failed - counts.recovered);
  const lost = Math.max(0, counts.lost - counts.found);
  const unknown = Math.max(0, counts.unknown - counts.known);
  const returned = Math.max(0, counts.returned - counts.answered);
  const booted = counts.booted + returned;
  const inFlight = Math.max(0, offered - booted - failed - lost - unknown);
  return { offered, downloaded, booted, returned, failed, lost, unknown, inFlight };
}

/** The devices that are proved to have booted. One that has merely returned may have fallen back to what it ran before. */
export function provenIn({ booted, returned }: Figures): number {
  return booted - returned;
}

/** How many devices have an outcome: those that have booted, failed or were lost. Devices that sleep have none yet. */
export function outcomesIn(figures: Figures): number {
  return provenIn(figures) + figures.failed + figures.lost;
}

/** How sure a bound is. */
const CONFIDENCE = 0.95;

/**
 * What the outcomes prove, in words: `60 of 60 booted: fewer than 5 % fail (95 %)`. undefined where there is none yet.
 * The bound is rounded up.
 */
export function proof(figures: Figures): string | undefined {
  const of = outcomesIn(figures);
  if (of === 0) return undefined;
  const bad = figures.failed + figures.lost;
  const bound = roundedUp(100 * upperBound(bad, of));
  const limit = bound >= 100 ? 'nothing is proved yet' : `fewer than ${bound} % fail (95 %)`;
  if (bad === 0) return `${of} of ${of} booted: ${limit}`;
  return `${bad} of ${of} failed or were lost (${rounded((100 * bad) / of)} %): ${limit}`;
}

/**
 * The share of failures that is exceeded by chance in one of twenty cases at most: the exact upper bound of a binomial
 * share (C. J. Clopper, E. S. Pearson, Biometrika 26, 1934, page 404), one-sided at 95 %. Without a failure among n it is
 * about 3/n, the rule of three (J. A. Hanley, A. Lippman-Hand, JAMA 249, 1983, page 1743).
 */
export function upperBound(failures: number, of: number): number {
  if (failures >= of) return 1;
  let low = failures / of;
  let high = 1;
  for (let i = 0; i < 60; i++) {
    const share = (low + high) / 2;
    if (cumulative(failures, of, share) > 1 - CONFIDENCE) low = share;
    else high = share;
  }
  return high;
}

/** The probability of at most k failures among n devices where each fails with probability p, for p from k/n to below 1. */
function cumulative(k: number, n: number, p: number): number {
  let term = Math.exp(
    logFactorial(n) - logFactorial(k) - logFactorial(n - k) + k * Math.log(p) + (n - k) * Math.log1p(-p),
  );
  let probability = term;
  // Each term is smaller than the one before, as k is not above the mean. What follows that of no failures is 0.
  for (let i = k; term > probability * 1e-12; i--) {
    term *= (i * (1 - p)) / ((n - i + 1) * p);
    probability += term;
  }
  return probability;
}

/** ln n!, by Stirling's series (https://dlmf.nist.gov/5.11.1), whose error is below 1e-9 from 10 on. */
function logFactorial(n: number): number {
  let shift = 0;
  let x = n;
  while (x < 10) {
    x++;
    shift += Math.log(x);
  }
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5);
  return (x + 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** Whole percent from 1 up, one digit that is not zero below: 4.87 is 5, and 0.0132 is 0.02. */
function roundedUp(percent: number): number {
  if (percent >= 1) return Math.ceil(percent - 1e-9);
  const unit = 10 ** Math.floor(Math.log10(percent));
  return Number((Math.ceil(percent / unit - 1e-9) * unit).toPrecision(1));
}

/** With one decimal at most. */
export function rounded(percent: number): number {
  return Math.round(percent * 10) / 10;
}
