/** Who is measured: programs that do the same work. */
import type { Lab } from '../lab/lab.js';

export type ContenderName = 'floor' | 'sidekick' | 'shell loop';

export interface StartOptions {
  /** Whether it first adds what is registered already; otherwise NGINX has that. */
  readonly sync: boolean;
  /** Most connections to NGINX, for those that let it be chosen. */
  readonly connections?: number;
}

export interface Contender {
  readonly name: ContenderName;
  /** Starts following the registrations of a lab. It is not ready yet. */
  watch(lab: Lab, options: StartOptions): Promise<Running>;
}

/** A contender at work. */
export interface Running {
  /** When it was started, in ms by the machine's monotonic clock. */
  readonly startedAt: number;
  /** Resolves as `work` does; rejects when the contender ends first. */
  whileRunning<T>(work: Promise<T>): Promise<T>;
  /** CPU time so far, in ms. */
  cpu(): Promise<number>;
  /** Memory, in bytes. */
  rss(): Promise<number>;
  stop(): Promise<void>;
}
