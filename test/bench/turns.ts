/** Contenders take turns, so that what else the machine does hits all of them alike. One at a time is at work. */
import type { ContenderName } from './contenders/index.js';
import type { Bench } from './part.js';

/** What each contender achieved, round by round. */
export type Rounds<T> = ReadonlyMap<ContenderName, readonly T[]>;

interface Turns<C> {
  readonly rounds: number;
  readonly contenders: readonly C[];
  /** Of what there are turns, where a part has several of them. */
  readonly what?: string;
}

/** Lets each contender have one turn a round. */
export async function takeTurns<C extends { readonly name: ContenderName }, T>(
  { say }: Bench,
  { rounds, contenders, what }: Turns<C>,
  turn: (contender: C) => Promise<T>,
): Promise<Rounds<T>> {
  const results = new Map(contenders.map(({ name }) => [name, [] as T[]]));
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      say(`${what === undefined ? '' : `${what}, `}round ${round} of ${rounds}: ${contender.name}`);
      results.get(contender.name)?.push(await turn(contender));
    }
  }
  return results;
}
