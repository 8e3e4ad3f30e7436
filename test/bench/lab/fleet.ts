/** The harness's side of the process of simulated sidekicks. */
import { Companion } from '../host/companion.js';
import type { FleetReport, FleetRequest } from './fleet-messages.js';

export class Fleet implements AsyncDisposable {
  readonly #process: Companion<FleetRequest>;

  private constructor(companion: Companion<FleetRequest>) {
    this.#process = companion;
  }

  /** None of them is registered yet. */
  static async start(etcd: string, sidekicks: number, connections: number): Promise<Fleet> {
    const args = [etcd, String(sidekicks), String(connections)];
    return new Fleet(await Companion.start(new URL('./fleet-process.ts', import.meta.url), args));
  }

  /** Every one registers (anew), after a random part of `spread` ms. Resolves when all have. */
  restart(spread: number): Promise<FleetReport> {
    return this.#process.ask({ kind: 'restart', spread });
  }

  report(): Promise<FleetReport> {
    return this.#process.ask({ kind: 'report' });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
