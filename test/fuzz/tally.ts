/** The figures of one target. */
import { now } from './clock.js';
import type { Acceptance } from './target.js';

export interface Figures {
  readonly target: string;
  readonly about: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Reasons, with what differs from input to input left out, and how often each was given. */
  readonly reasons: Readonly<Record<string, number>>;
  readonly crashes: number;
  /** In ms, of one input. */
  readonly slowest: number;
  readonly seconds: number;
}

/** More kinds of reasons are counted together. */
const MAX_REASONS = 200;

export class Tally {
  readonly #began = now();
  readonly #reasons = new Map<string, number>();
  #inputs = 0;
  #accepted = 0;
  #rejected = 0;
  #slowest = 0;
  crashes = 0;

  get inputs(): number {
    return this.#inputs;
  }

  /** @param took In ms. */
  note({ accepted, rejected }: Acceptance, took: number): void {
    this.#inputs += accepted + rejected.length;
    this.#accepted += accepted;
    this.#rejected += rejected.length;
    this.#slowest = Math.max(this.#slowest, took);
    for (const reason of rejected) this.#count(kindOf(reason));
  }

  figures(target: string, about: string): Figures {
    return {
      target,
      about,
      inputs: this.#inputs,
      accepted: this.#accepted,
      rejected: this.#rejected,
      reasons: Object.fromEntries(this.#reasons),
      crashes: this.crashes,
      slowest: Math.round(this.#slowest),
      seconds: Math.round((now() - this.#began) / 100) / 10,
    };
  }

  #count(kind: string): void {
    const key = this.#reasons.has(kind) || this.#reasons.size < MAX_REASONS ? kind : 'others';
    this.#reasons.set(key, (this.#reasons.get(key) ?? 0) + 1);
  }
}

/** A reason without what it quotes. */
function kindOf(reason: string): string {
  return reason
    .slice(0, 300)
    .replace(/"(?:\\.|[^"\\])*"?/g, '"…"')
    .replace(/\d+/g, 'N')
    .slice(0, 100);
}
