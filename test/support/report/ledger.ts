/** What a run measured, and what each number had to be. A run passes only if every number is as it had to be. */

export interface Entry {
  what: string;
  measured: string;
  wanted: string;
  good: boolean;
}

/** One step of a run, and the servers that NGINX had at its end. */
export interface StepRecord {
  title: string;
  seconds: number;
  http: string[];
  stream: string[];
}

export interface Ledger {
  readonly entries: Entry[];
  readonly steps: StepRecord[];
  /** Records a number that has to be `wanted`. */
  exactly(what: string, measured: number, wanted: number): void;
  /** Records a number that has to be at least `wanted`. */
  atLeast(what: string, measured: number, wanted: number): void;
  /** Records a number that has to be at most `wanted`. */
  atMost(what: string, measured: number, wanted: number, unit: string): void;
  /** Records a number without a limit: how much was lost when something was broken on purpose. */
  note(what: string, measured: number): void;
  isGood(): boolean;
}

function format(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 });
}

export function openLedger(): Ledger {
  const entries: Entry[] = [];
  return {
    entries,
    steps: [],
    exactly(what, measured, wanted) {
      entries.push({ what, measured: format(measured), wanted: format(wanted), good: measured === wanted });
    },
    atLeast(what, measured, wanted) {
      entries.push({
        what,
        measured: format(measured),
        wanted: `≥ ${format(wanted)}`,
        good: measured >= wanted,
      });
    },
    atMost(what, measured, wanted, unit) {
      const good = measured <= wanted;
      entries.push({
        what,
        measured: `${format(measured)} ${unit}`,
        wanted: `≤ ${format(wanted)} ${unit}`,
        good,
      });
    },
    note(what, measured) {
      entries.push({ what, measured: format(measured), wanted: 'broken on purpose', good: true });
    },
    isGood: () => entries.every(({ good }) => good),
  };
}
