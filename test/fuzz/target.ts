/** What the fuzz run works on: a source of inputs, and a judge of what became of each. */
import type { fc } from '../support/property.js';

/** What became of one input. An input that may hold several items, such as keys, counts for each of them. */
export interface Acceptance {
  readonly accepted: number;
  /** The reason of each item that was refused. */
  readonly rejected: readonly string[];
}

export const ACCEPTED: Acceptance = { accepted: 1, rejected: [] };

export function rejected(reason: string): Acceptance {
  return { accepted: 0, rejected: [reason] };
}

export function together(acceptances: readonly Acceptance[]): Acceptance {
  return {
    accepted: acceptances.reduce((sum, acceptance) => sum + acceptance.accepted, 0),
    rejected: acceptances.flatMap((acceptance) => acceptance.rejected),
  };
}

/** Something under test that is ready for inputs. */
export interface Subject<Input> extends AsyncDisposable {
  /** Gives it an input; throws when anything happens that must never happen. */
  judge(input: Input): Acceptance | Promise<Acceptance>;
}

export interface Target<Input = unknown> {
  readonly name: string;
  /** What is given to what. */
  readonly about: string;
  readonly inputs: fc.Arbitrary<Input>;
  /** How many inputs the short run of `npm test` has. */
  readonly short: number;
  /** How long one input may take, in ms; default 10 000. It catches what hangs, and measures nothing. */
  readonly bound?: number;
  open(): Promise<Subject<Input>>;
}

/** A target among those of other inputs. */
// biome-ignore lint/suspicious/noExplicitAny: each target is given its own inputs alone.
export type AnyTarget = Target<any>;
