import { backoff } from '../../async/backoff.js';
import { Semaphore } from '../../async/semaphore.js';
import { Wakeup } from '../../async/wakeup.js';
import { messageOf, NginxError } from '../../core/errors.js';
import type { Topology } from '../../core/mapping.js';
import type { NginxApi, NginxIdentity } from '../../core/ports.js';
import type { Kind } from '../../core/upstream.js';
import type { WatcherDeps } from './deps.js';
import { sameIdentity } from './reconcile.js';
import type { NginxStatus } from './status.js';
import { readTopology } from './topology.js';

/** How an answer of NGINX differs from the one before. */
export interface ConnectionChange {
  /** It was reloaded or restarted, or this is its first answer: ids and servers may be others. */
  readonly reloaded: boolean;
  /** It did not answer before. */
  readonly returned: boolean;
  /** Its groups have been read. */
  readonly topologyRead: boolean;
}

/** The connection to one NGINX: asks again and again who it is and which groups it has. */
export class NginxConnection {
  readonly api: NginxApi;
  /** Bounds the calls that are under way. */
  readonly semaphore: Semaphore;
  readonly #deps: WatcherDeps;
  readonly #answered: (change: ConnectionChange) => void;
  readonly #failed: () => void;
  readonly #wakeup = new Wakeup();
  #identity: NginxIdentity | undefined;
  #topology: Topology | undefined;
  #topologyAt = Number.NEGATIVE_INFINITY;
  #unreadableKinds: ReadonlyMap<Kind, NginxError> = new Map();
  #isReachable = false;
  #failures = 0;
  #error: string | undefined;
  /** It answers, but is not the API, or denies access. */
  #isRefused = false;
  #lastSeenAt: number | undefined;
  #lastCheckAt: number;

  /**
   * @param answered Called with each answer of NGINX.
   * @param failed Called each time that NGINX does not answer as it should.
   */
  constructor(
    api: NginxApi,
    deps: WatcherDeps,
    answered: (change: ConnectionChange) => void,
    failed: () => void,
  ) {
    this.api = api;
    this.semaphore = new Semaphore(deps.options().timing.concurrency);
    this.#deps = deps;
    this.#answered = answered;
    this.#failed = failed;
    this.#lastCheckAt = deps.clock();
  }

  get name(): string {
    return this.api.name;
  }

  /** Who NGINX was when it was last asked; undefined while it does not answer. */
  get identity(): NginxIdentity | undefined {
    return this.#isReachable ? this.#identity : undefined;
  }

  /** What NGINX says that it was built as; empty until it has answered. */
  get build(): string {
    return this.#identity?.build ?? '';
  }

  get isReachable(): boolean {
    return this.#isReachable;
  }

  /** Why it does not answer as it should; undefined while it does. */
  get error(): string | undefined {
    return this.#error;
  }

  /** The groups that NGINX has, or had when they could last be read; undefined until they have been read. */
  get topology(): Topology | undefined {
    return this.#topology;
  }

  /** The kinds whose groups could not be read, and why: of these `topology` is not certain. */
  get unreadableKinds(): ReadonlyMap<Kind, NginxError> {
    return this.#unreadableKinds;
  }

  /** When NGINX was last asked, by the monotonic clock, whatever came of it: it shows that the loop moves. */
  get lastCheckAt(): number {
    return this.#lastCheckAt;
  }

  status(): Omit<NginxStatus, 'problems' | 'upstreams'> {
    const { clock } = this.#deps;
    return {
      name: this.name,
      connected: this.#isReachable,
      ...(this.#identity ? { version: this.#identity.version, generation: this.#identity.generation } : {}),
      ...(this.#error === undefined ? {} : { error: this.#error, refused: this.#isRefused }),
      ...(this.#lastSeenAt === undefined ? {} : { lastSeenAgo: clock() - this.#lastSeenAt }),
    };
  }

  /** NGINX may not answer any more, or be another: asks at once. */
  recheck(): void {
    this.#wakeup.wake();
  }

  /** Asks again and again until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.check(signal);
      const { timing } = this.#deps.options();
      const wait = this.#isReachable ? timing.identity : backoff(this.#failures, timing.retry);
      await this.#wakeup.wait(wait, signal);
    }
  }

  /** Asks once. Never rejects: what went wrong is in `error`. */
  async check(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    try {
      const identity = await this.api.identity(signal);
      const reloaded = !this.#identity || !sameIdentity(identity, this.#identity);
      const topologyRead = reloaded || clock() - this.#topologyAt >= this.#deps.options().timing.resync;
      if (topologyRead) await this.#readTopology(signal);
      this.#onAnswer(identity, reloaded, topologyRead);
    } catch (error) {
      if (!signal.aborted) this.#onFailure(error);
    }
    this.#lastCheckAt = clock();
  }

  async #readTopology(signal: AbortSignal): Promise<void> {
    const { topology, failed } = await readTopology(this.api, this.#topology, signal);
    this.#topology = topology;
    this.#unreadableKinds = failed;
    // What could not be read is asked for again with the next question.
    this.#topologyAt = failed.size > 0 ? Number.NEGATIVE_INFINITY : this.#deps.clock();
  }

  #onAnswer(identity: NginxIdentity, reloaded: boolean, topologyRead: boolean): void {
    const { log, meter, clock } = this.#deps;
    const labels = { nginx: this.name };
    const isFirst = this.#identity === undefined;
    const returned = !this.#isReachable;
    this.#identity = identity;
    this.#setReachable(true);
    this.#lastSeenAt = clock();
    this.#failures = 0;
    this.#error = undefined;
    if (reloaded && !isFirst) {
      meter.count('sidekick_nginx_reloads_total', labels);
      const fields = { event: 'nginx-reloaded', ...labels, generation: identity.generation };
      log.info(fields, 'NGINX was reloaded or restarted');
    }
    if (returned) {
      log.info({ event: 'nginx-connected', ...labels, version: identity.version }, 'NGINX answers');
    }
    this.#answered({ reloaded, returned, topologyRead });
  }

  #onFailure(error: unknown): void {
    const { log } = this.#deps;
    this.#failures++;
    this.#error = messageOf(error);
    this.#isRefused = error instanceof NginxError && isRefusal(error);
    if (!(error instanceof NginxError)) {
      log.error(
        { event: 'controller-failed', nginx: this.name, reason: this.#error },
        'an unexpected error: retrying',
      );
    } else if (this.#isReachable || this.#failures === 1) {
      const fields = { nginx: this.name, code: error.code, reason: error.message };
      if (this.#isRefused) {
        log.warn(
          { event: 'nginx-refused', ...fields },
          'what answers is not the NGINX API, or denies access: check the URL and the credentials',
        );
      } else {
        log.warn(
          { event: 'nginx-unavailable', ...fields },
          'NGINX does not answer: retrying; its servers stay as they are',
        );
      }
    }
    this.#setReachable(false);
    this.#failed();
  }

  #setReachable(isReachable: boolean): void {
    this.#isReachable = isReachable;
    this.#deps.meter.gauge('sidekick_nginx_up', isReachable ? 1 : 0, { nginx: this.name });
  }
}

/**
 * Whether something answers that is not the API, or denies access: waiting alone will not help. A server that is
 * overloaded or starts (5xx, 408, 429) is one to wait for.
 */
function isRefusal({ code, status }: NginxError): boolean {
  if (status === undefined) return code === 'BAD_ANSWER';
  return status < 500 && status !== 408 && status !== 429;
}
