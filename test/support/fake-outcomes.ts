/** What an NGINX counts of firmware, in memory. */
import type { NginxError } from '../../src/core/errors.js';
import { type Counts, NO_COUNTS, type OutcomeReport } from '../../src/firmware/outcomes.js';
import type { OutcomeSource } from '../../src/firmware/ports.js';
import { sum } from '../../src/firmware/statistics.js';

let epochs = 0;

export class FakeOutcomes implements OutcomeSource {
  /** What every call rejects with. */
  fault: NginxError | undefined;
  /** Its configuration counts nothing. */
  isUncounted = false;
  /** How often it was asked. */
  asked = 0;
  #epoch = nextEpoch();
  /** What was counted after each change of this epoch, by type and version: `lamp 1.3.0`. */
  #readings: ReadonlyMap<string, Counts>[] = [new Map()];
  /** What was counted in epochs that are over. */
  #past: Counts[] = [];

  constructor(readonly name: string) {}

  /** Counts devices. */
  count(type: string, version: string, counts: Partial<Counts>): void {
    const now = this.#readings.at(-1) ?? new Map();
    const key = `${type} ${version}`;
    const more = sum([now.get(key) ?? NO_COUNTS, { ...NO_COUNTS, ...counts }]);
    this.#readings.push(new Map([...now, [key, more]]));
  }

  /** Everything that it has ever counted, whatever the version. */
  get truth(): Counts {
    return sum([...this.#past, ...(this.#readings.at(-1)?.values() ?? [])]);
  }

  restart(): void {
    this.#past.push(...(this.#readings.at(-1)?.values() ?? []));
    this.#epoch = nextEpoch();
    this.#readings = [new Map()];
  }

  async outcomes(): Promise<OutcomeReport | undefined> {
    await Promise.resolve();
    this.asked++;
    if (this.fault) throw this.fault;
    return this.isUncounted ? undefined : this.report();
  }

  /** The report as it is now, or as it was so many changes ago. */
  report(age = 0): OutcomeReport {
    const reading = this.#readings[Math.max(0, this.#readings.length - 1 - age)] ?? new Map();
    const counts = new Map<string, Map<string, Counts>>();
    for (const [key, value] of reading) {
      const [type = '', version = ''] = key.split(' ');
      counts.set(type, (counts.get(type) ?? new Map()).set(version, value));
    }
    return { epoch: this.#epoch, sample: 1, flights: 0, downloads: 0, counts, shadow: new Map() };
  }
}

function nextEpoch(): string {
  return (++epochs).toString(16).padStart(16, '0');
}
