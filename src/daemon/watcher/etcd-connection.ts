import { CONNECTED, conditionOf, type EtcdCondition } from '../../core/etcd-state.js';
import type { Log, Meter, WallClock } from '../../core/ports.js';

interface EtcdConnectionContext {
  readonly log: Log;
  readonly meter: Meter;
  readonly wallClock: WallClock;
}

/** Whether etcd can be read, and why not. */
export class EtcdConnection {
  readonly #context: EtcdConnectionContext;
  #condition: EtcdCondition = { state: 'unavailable', error: 'not yet read' };
  #revision: number | undefined;

  constructor(context: EtcdConnectionContext) {
    this.#context = context;
  }

  get condition(): EtcdCondition {
    return this.#condition;
  }

  get isConnected(): boolean {
    return this.#condition.state === 'connected';
  }

  /** The revision of the last snapshot; undefined until etcd has been read. */
  get revision(): number | undefined {
    return this.#revision;
  }

  /** A snapshot of this revision has come. */
  snapshotTaken(revision: number): void {
    if (!this.isConnected) {
      this.#context.log.info({ event: 'etcd-connected', revision }, 'etcd has been read');
    }
    this.#condition = CONNECTED;
    this.#revision = revision;
  }

  /** etcd has answered: what is known of it is so now. */
  answered(): void {
    const { meter, wallClock } = this.#context;
    meter.gauge('sidekick_etcd_last_read_timestamp_seconds', wallClock() / 1000);
  }

  unavailable(error: Error): void {
    const { log } = this.#context;
    this.#condition = conditionOf(error);
    const { state, error: reason } = this.#condition;
    if (state === 'refused') {
      const message = 'etcd refuses to be read: NGINX keeps what it has until it can be';
      log.error({ event: 'etcd-refused', reason }, message);
    } else {
      const message = 'etcd cannot be read: NGINX keeps what it has until it can be';
      log.warn({ event: 'etcd-unavailable', reason }, message);
    }
  }
}
