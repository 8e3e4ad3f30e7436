import type { Clock } from '../../core/ports.js';
import type { TypeState } from '../../firmware/type-state.js';

/** A phase of a type, and since when it is known here. */
interface SeenPhase {
  readonly phase: string;
  /** By the monotonic clock; undefined where it had begun before. */
  readonly begun: number | undefined;
}

/** Measures by the monotonic clock how long ago phases began, as far as this process saw them begin. */
export class PhaseClock {
  readonly #clock: Clock;
  #seen: ReadonlyMap<string, SeenPhase> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in the types as they are now. What is there at the first time has begun before. */
  see(types: readonly TypeState[]): void {
    const before = this.#seen;
    const now = this.#clock();
    this.#seen = new Map(
      types.map((state) => {
        const phase = phaseOf(state);
        const known = before?.get(state.type);
        if (known?.phase === phase) return [state.type, known];
        return [state.type, { phase, begun: before === undefined ? undefined : now }];
      }),
    );
  }

  /** How long ago the last phase of a type began, in ms; undefined where this process did not see it begin. */
  sinceBegun(type: string): number | undefined {
    const begun = this.#seen?.get(type)?.begun;
    return begun === undefined ? undefined : this.#clock() - begun;
  }
}

function phaseOf({ rollout }: TypeState): string {
  const { version, begun = [] } = rollout?.candidate ?? {};
  return JSON.stringify([version, begun.length, begun.at(-1)?.at]);
}
