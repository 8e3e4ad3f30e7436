import type { Meter } from '../../core/ports.js';
import { progressOf } from '../../firmware/progress.js';
import type { TypeState } from '../../firmware/type-state.js';

/** The types that metrics show, the first ones by name: the number of types must not fill the memory. */
export const MAX_TYPES = 200;

const OUTCOMES = ['offered', 'downloaded', 'booted', 'failed', 'lost', 'unknown'] as const;

interface CandidateLabels extends Readonly<Record<string, string>> {
  readonly type: string;
  readonly version: string;
}

/** Shows how candidates fare. The series of a release that is no longer the candidate are removed. */
export class RolloutMetrics {
  readonly #meter: Meter;
  #shown = new Map<string, CandidateLabels>();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  show(types: readonly TypeState[]): void {
    const candidates = types
      .filter(({ rollout }) => rollout?.candidate !== undefined)
      .sort((a, b) => (a.type < b.type ? -1 : 1))
      .slice(0, MAX_TYPES);
    const before = this.#shown;
    this.#shown = new Map(candidates.map((state) => this.#show(state)));
    for (const [key, labels] of before) if (!this.#shown.has(key)) this.#remove(labels);
  }

  #show(state: TypeState): [key: string, labels: CandidateLabels] {
    const { type, rollout } = state;
    const { version = '', percent = 0 } = rollout?.candidate ?? {};
    const labels = { type, version };
    const figures = progressOf(state, 0)?.all;
    for (const outcome of OUTCOMES) {
      this.#meter.gauge('sidekick_rollout_devices', figures?.[outcome] ?? 0, { ...labels, outcome });
    }
    this.#meter.gauge('sidekick_rollout_offered_ratio', percent / 100, labels);
    this.#meter.gauge('sidekick_rollout_halted', rollout?.paused?.halted === undefined ? 0 : 1, labels);
    return [`${type} ${version}`, labels];
  }

  #remove(labels: CandidateLabels): void {
    for (const outcome of OUTCOMES) this.#meter.remove('sidekick_rollout_devices', { ...labels, outcome });
    this.#meter.remove('sidekick_rollout_offered_ratio', labels);
    this.#meter.remove('sidekick_rollout_halted', labels);
  }
}
