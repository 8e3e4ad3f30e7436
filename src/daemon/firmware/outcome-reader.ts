import { backoff } from '../../async/backoff.js';
import { Wakeup } from '../../async/wakeup.js';
import { defined } from '../../core/defined.js';
import { messageOf } from '../../core/errors.js';
import type { Log } from '../../core/ports.js';
import type { NamedReport } from '../../firmware/outcome-changes.js';
import type { OutcomeReport } from '../../firmware/outcomes.js';
import type { OutcomeSource } from '../../firmware/ports.js';

/** Whether one NGINX says what becomes of its offers. Plain JSON. */
export interface CountedBy {
  readonly nginx: string;
  /** `idle`: there is nothing to count. `uncounted`: its configuration does not count outcomes. */
  readonly state: 'idle' | 'pending' | 'counting' | 'uncounted' | 'unavailable';
  /** Why it could not be asked last. */
  readonly error?: string;
  /** Devices that were offered a candidate and whose outcome is not known yet. */
  readonly flights?: number;
  /** Downloads under way. */
  readonly downloads?: number;
  /** One device in so many is followed. */
  readonly sample?: number;
}

/** How often an NGINX is asked, in ms: while an outcome may halt a rollout or begin its next phase, and at other times. */
const FAST = 250;
const SLOW = 5_000;
const RETRY = { min: 250, max: 5_000 };

/** Reads what one NGINX has counted, repeatedly. */
export class OutcomeReader {
  readonly #source: OutcomeSource;
  readonly #log: Log;
  readonly #onReport: () => void;
  readonly #random: (() => number) | undefined;
  readonly #wakeup = new Wakeup();
  #report: OutcomeReport | undefined;
  /** The last report of the life of NGINX before this one: etcd may not have all of it yet. */
  #previous: OutcomeReport | undefined;
  #state: CountedBy['state'] = 'pending';
  #error: string | undefined;
  #failures = 0;
  #demand: Demand = 'none';

  constructor(
    source: OutcomeSource,
    { log, onReport, random }: { log: Log; onReport: () => void; random?: (() => number) | undefined },
  ) {
    this.#source = source;
    this.#log = log;
    this.#onReport = onReport;
    this.#random = random;
  }

  get status(): CountedBy {
    const { flights, downloads, sample } = this.#report ?? {};
    const error = this.#error;
    const state = this.#demand === 'none' ? 'idle' : this.#state;
    return defined({ nginx: this.#source.name, state, error, flights, downloads, sample });
  }

  /** Its latest report, and that of its life before. */
  get reports(): readonly NamedReport[] {
    const nginx = this.#source.name;
    return [this.#previous, this.#report].flatMap((report) => (report ? [{ nginx, report }] : []));
  }

  /** Says how much depends on the reports. When that changes, NGINX is asked at once. */
  set demand(demand: Demand) {
    if (demand === this.#demand) return;
    this.#demand = demand;
    this.#wakeup.wake();
  }

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#wakeup.wait(this.#pause(), signal);
      if (!signal.aborted && this.#demand !== 'none') await this.#read(signal);
    }
  }

  #pause(): number {
    if (this.#failures > 0) return backoff(this.#failures, RETRY, this.#random);
    return this.#demand === 'high' ? FAST : SLOW;
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      const report = await this.#source.outcomes(signal);
      if (this.#report !== undefined && report?.epoch !== this.#report.epoch) this.#previous = this.#report;
      this.#report = report;
      this.#failures = 0;
      this.#error = undefined;
      this.#become(this.#report === undefined ? 'uncounted' : 'counting');
      this.#onReport();
    } catch (error) {
      if (signal.aborted) return;
      this.#error = messageOf(error);
      this.#failures++;
      this.#become('unavailable');
    }
  }

  #become(state: CountedBy['state']): void {
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    const nginx = this.#source.name;
    if (state === 'unavailable') {
      const fields = { event: 'firmware-outcomes-unavailable', nginx, reason: this.#error };
      this.#log.warn(fields, 'NGINX does not report the outcomes of firmware; retrying');
    } else if (state === 'uncounted') {
      const fields = { event: 'firmware-outcomes-uncounted', nginx };
      this.#log.warn(fields, 'NGINX does not count the outcomes of firmware: it has an older configuration');
    } else if (before === 'unavailable') {
      this.#log.info({ event: 'firmware-outcomes-counted', nginx }, 'NGINX reports the outcomes of firmware');
    }
  }
}

/** What depends on a report: nothing; figures for people; or how a rollout goes on. */
export type Demand = 'none' | 'low' | 'high';
