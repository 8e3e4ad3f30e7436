import { Wakeup } from '../../async/wakeup.js';
import { messageOf } from '../../core/errors.js';
import type { KeyPrefixes } from '../../core/keys.js';
import type {
  Clock,
  Log,
  Meter,
  RegistryClient,
  RegistryReader,
  RegistrySnapshot,
  WallClock,
} from '../../core/ports.js';
import { type Decision, decide, isWatched } from '../../firmware/gate.js';
import { firmwareRoot, outcomesKey } from '../../firmware/keys.js';
import type { LoggedAction } from '../../firmware/log-entry.js';
import {
  type NamedReport,
  type OutcomeChange,
  outcomeChanges,
  outcomesAfter,
} from '../../firmware/outcome-changes.js';
import { encodeOutcomes } from '../../firmware/outcomes.js';
import type { OutcomeSource } from '../../firmware/ports.js';
import { total } from '../../firmware/statistics.js';
import { beginNextPhase, halt } from '../../firmware/transitions.js';
import { readTypes, type TypeState } from '../../firmware/type-state.js';
import { refuseUnreadable } from '../../firmware/unreadable.js';
import { type CountedBy, type Demand, OutcomeReader } from './outcome-reader.js';
import { PhaseClock } from './phase-clock.js';
import { FirmwareRepository } from './repository.js';
import { RolloutMetrics } from './rollout-metrics.js';

interface RolloutControllerOptions {
  readonly prefixes: KeyPrefixes;
  /** The watcher's id: halts and phases are logged in its name. */
  readonly id: string;
}

interface RolloutControllerPorts {
  readonly reader: RegistryReader;
  readonly store: RegistryClient;
  readonly nginx: readonly OutcomeSource[];
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  /** 0 to 1; default Math.random. */
  readonly random?: () => number;
}

/** The least time between two writes of one record, in ms: of failures, and of anything else. */
const URGENT = 200;
const USUAL = 15_000;
/** How often time alone may begin a phase, in ms. */
const TICK = 1_000;

/**
 * Controls rollouts: reads what every NGINX of this watcher has counted, adds it up in etcd, halts a candidate
 * that exceeds its limit of failures, and begins the next phase when its gate is met. Each change is a compare-and-swap,
 * so any number of watchers may run: one makes it, and the others see that it was made.
 */
export class RolloutController {
  readonly #options: RolloutControllerOptions;
  readonly #ports: RolloutControllerPorts;
  readonly #repository: FirmwareRepository;
  readonly #readers: readonly OutcomeReader[];
  readonly #wakeup = new Wakeup();
  readonly #phases: PhaseClock;
  readonly #metrics: RolloutMetrics;
  /** When each record of outcomes was last written here, by the monotonic clock. */
  readonly #written = new Map<string, number>();
  /** The revision of each type at which a change was last tried: for each revision, one is tried once. */
  readonly #tried = new Map<string, number>();
  /** The types that have a rollout or outcomes. */
  #types: readonly TypeState[] = [];
  /** Something has come in since rollouts were last checked for a halt. */
  #hasNews = false;
  #isFailing = false;

  constructor(options: RolloutControllerOptions, ports: RolloutControllerPorts) {
    const { log, random } = ports;
    this.#options = options;
    this.#ports = ports;
    this.#repository = new FirmwareRepository(ports.store, options.prefixes);
    this.#phases = new PhaseClock(ports.clock);
    this.#metrics = new RolloutMetrics(ports.meter);
    const onReport = () => this.#heard();
    this.#readers = ports.nginx.map((source) => new OutcomeReader(source, { log, onReport, random }));
  }

  /** Whether each NGINX counts outcomes. */
  status(): readonly CountedBy[] {
    return this.#readers.map(({ status }) => status);
  }

  /** Runs until the signal is aborted. While etcd or an NGINX is unavailable, rollouts stay as they are. */
  async run(signal: AbortSignal): Promise<void> {
    const listener = {
      onSnapshot: (snapshot: RegistrySnapshot) => this.#take(snapshot),
      onUnavailable: () => {},
    };
    await Promise.all([
      this.#ports.reader.watch([firmwareRoot(this.#options.prefixes)], listener, signal),
      ...this.#readers.map((reader) => reader.run(signal)),
      this.#passes(signal),
    ]);
  }

  #take({ entries }: RegistrySnapshot): void {
    const types = [...readTypes(this.#options.prefixes, entries.values()).values()];
    this.#phases.see(types);
    this.#metrics.show(types);
    this.#types = types.filter(({ rollout, outcomes }) => rollout !== undefined || outcomes.size > 0);
    for (const reader of this.#readers) reader.demand = demandOf(this.#types);
    this.#heard();
  }

  #heard(): void {
    this.#hasNews = true;
    this.#wakeup.wake();
  }

  async #passes(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#wakeup.wait(TICK, signal);
      for (const state of this.#types) {
        // To write the outcomes of one type must not delay the halt of another.
        await this.#haltWhatMust(signal);
        if (signal.aborted) return;
        await this.#attempt(state, () => this.#advance(state, signal), signal);
      }
    }
  }

  /** Halts every rollout that exceeds its limit, by what is known now. */
  async #haltWhatMust(signal: AbortSignal): Promise<void> {
    while (this.#hasNews && !signal.aborted) {
      this.#hasNews = false;
      for (const state of this.#types) {
        if (state.rollout?.candidate?.limit === undefined) continue;
        const known = this.#known(state);
        const decision = this.#decisionOn(known);
        if (decision?.kind !== 'halt') continue;
        await this.#attempt(state, () => this.#carryOut(known, decision, signal), signal);
      }
    }
  }

  /** The outcomes that etcd should have and has not yet. */
  #changes(state: TypeState): readonly OutcomeChange[] {
    const reports: readonly NamedReport[] = this.#readers.flatMap((reader) => reader.reports);
    return outcomeChanges(state, reports, this.#ports.wallClock());
  }

  /** A type with all that has been counted. */
  #known(state: TypeState, changes = this.#changes(state)): TypeState {
    return { ...state, outcomes: outcomesAfter(state, changes) };
  }

  async #attempt(state: TypeState, change: () => Promise<void>, signal: AbortSignal): Promise<void> {
    if (refuseUnreadable(state) !== undefined) return;
    try {
      await change();
      this.#isFailing = false;
    } catch (error) {
      if (signal.aborted) return;
      // The next report tries again.
      if (!this.#isFailing) {
        const fields = { event: 'firmware-rollout-failed', type: state.type, reason: messageOf(error) };
        this.#ports.log.warn(fields, 'the outcomes of firmware cannot be written to etcd; retrying');
      }
      this.#isFailing = true;
    }
  }

  /** Writes what was counted, and begins the next phase when the outcomes that it begins with are in etcd. */
  async #advance(state: TypeState, signal: AbortSignal): Promise<void> {
    const changes = this.#changes(state);
    const known = this.#known(state, changes);
    const decision = this.#decisionOn(known);
    const isDue = (change: OutcomeChange) => decision !== undefined || this.#isDue(state, change);
    const isWritten = await this.#write(state, changes.filter(isDue), signal);
    if (decision?.kind === 'begin' && isWritten) await this.#carryOut(known, decision, signal);
  }

  #decisionOn({ type, rollout, outcomes }: TypeState): Decision | undefined {
    if (rollout?.candidate === undefined) return undefined;
    const counts = total(outcomes.values(), rollout.candidate.version);
    const sinceBegun = this.#phases.sinceBegun(type);
    return decide(rollout, {
      counts,
      now: this.#ports.wallClock(),
      ...(sinceBegun !== undefined && { sinceBegun }),
    });
  }

  async #carryOut(state: TypeState, decision: Decision, signal: AbortSignal): Promise<void> {
    if (this.#tried.get(state.type) === state.revision) return;
    const { log, wallClock } = this.#ports;
    const author = { by: `watcher ${this.#options.id}`, at: new Date(wallClock()).toISOString() };
    const isHalt = decision.kind === 'halt';
    const change = isHalt ? halt(state, decision.halt, author) : beginNextPhase(state, author);
    if (!change.ok) return;
    const { rollout, version, text } = change.value;
    const action: LoggedAction = isHalt ? 'halt' : 'phase';
    const entry = { ...author, action, version, text };
    const result = await this.#repository.change(state, { rollout, entry }, signal);
    this.#tried.set(state.type, state.revision);
    // Another watcher or an operator was first: the next snapshot shows what they did.
    if (!result.made) return;
    const fields = { type: state.type, version };
    if (isHalt) {
      const { reason } = rollout.paused ?? {};
      const halted = { event: 'firmware-halted', ...fields, ...decision.halt, reason };
      log.warn(halted, 'a rollout is halted: too many devices failed');
    } else {
      const begun = { event: 'firmware-phase-begun', ...fields, percent: decision.percent };
      log.info(begun, 'the next phase of a rollout has begun');
    }
  }

  /** Whether it is time to write a record: etcd must not be busy with counters. */
  #isDue({ type }: TypeState, { epoch, isUrgent }: OutcomeChange): boolean {
    const last = this.#written.get(outcomesKey(this.#options.prefixes, type, epoch));
    return last === undefined || this.#ports.clock() - last >= (isUrgent ? URGENT : USUAL);
  }

  /** Resolves to whether all of it is in etcd. Of two watchers with the same NGINX one writes, and the other reads what it wrote. */
  async #write(state: TypeState, changes: readonly OutcomeChange[], signal: AbortSignal): Promise<boolean> {
    const { store, clock } = this.#ports;
    let isWritten = true;
    for (const { epoch, record } of changes) {
      const key = outcomesKey(this.#options.prefixes, state.type, epoch);
      const expected = new Map([[key, state.written.get(key) ?? 0]]);
      const puts = new Map(record === undefined ? [] : [[key, encodeOutcomes(record)]]);
      const deletes = record === undefined ? [key] : [];
      const { committed } = await store.commit({ expected, puts, deletes }, signal);
      if (!committed) isWritten = false;
      else if (record === undefined) this.#written.delete(key);
      else this.#written.set(key, clock());
    }
    return isWritten;
  }
}

/** What depends on the reports of outcomes now. */
function demandOf(types: readonly TypeState[]): Demand {
  if (types.some(({ rollout }) => rollout !== undefined && isWatched(rollout))) return 'high';
  const isCounted = types.some(({ rollout }) => (rollout?.candidate ?? rollout?.shadow) !== undefined);
  return isCounted ? 'low' : 'none';
}
