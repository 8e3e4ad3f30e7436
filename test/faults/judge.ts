/** Decides from what was seen whether a fault was got over. */
import type { RegistrySnapshot } from '../../src/core/ports.js';
import type { Fault } from './faults.js';
import type { Look } from './witness.js';

interface Evidence {
  readonly fault: Fault;
  readonly round: number;
  /** When the fault was mended, and when a member was first seen to answer after that, in ms since the epoch. */
  readonly mended: number;
  readonly returned: number;
  readonly ttl: number;
  /** Everything seen since it began, to well after it was mended. */
  readonly looks: readonly Look[];
  /** What the reader shows in the end. */
  readonly shown: RegistrySnapshot | undefined;
}

export interface FaultResult {
  readonly fault: string;
  readonly round: number;
  /** From etcd's first answer after the mending, to whomever, to the key being right for good, in ms. */
  readonly toRight: number | undefined;
  /** For how long the key was known to be missing in all, in ms. */
  readonly lapse: number;
  readonly problem: string | undefined;
}

export function judge(evidence: Evidence): FaultResult {
  const { fault, round, mended, returned, ttl, looks } = evidence;
  const lapse = missingFor(looks);
  const after = looks.filter(({ at }) => at >= mended);
  const answered = after.find(({ found }) => found !== 'no answer')?.at ?? returned;
  const lastWrong = after.findLast(({ found }) => found === 'missing');
  const right = after.find(({ at, found }) => typeof found === 'object' && at > (lastWrong?.at ?? 0));
  const toRight = right && Math.max(0, right.at - Math.min(answered, returned));
  return { fault: fault.name, round, toRight, lapse, problem: problemOf(evidence, toRight, lapse, ttl) };
}

function problemOf(
  { fault, looks, shown }: Evidence,
  toRight: number | undefined,
  lapse: number,
  ttl: number,
): string | undefined {
  if (toRight === undefined) return 'THE KEY WAS NOT RIGHT IN THE END';
  if (toRight > ttl) return 'THE KEY WAS RIGHT ONLY AFTER MORE THAN ONE TTL';
  if (lapse > 0 && !fault.mayLapse) return 'THE KEY WAS MISSING ALTHOUGH A MAJORITY WAS WELL';
  const last = looks.findLast(({ found }) => typeof found === 'object')?.found;
  if (typeof last !== 'object' || last.value !== '{}') return 'THE KEY HAD ANOTHER VALUE';
  const seen = shown?.entries.get(last.key);
  if (seen?.revision !== last.revision || seen.lease !== last.lease)
    return 'THE READER SHOWED SOMETHING ELSE';
  return undefined;
}

/** The time between each look that found nothing and the one before. */
function missingFor(looks: readonly Look[]): number {
  return looks.reduce((total, { at, found }, index) => {
    const before = looks[index - 1];
    return found === 'missing' && before ? total + at - before.at : total;
  }, 0);
}
