import type { CallOptions } from '@grpc/grpc-js';
import type { Etcd3 } from 'etcd3';
import { isTimeout, raceAbort, withTimeout } from '../../async/abort.js';
import { EtcdError } from '../../core/errors.js';
import type { LeaseId } from '../../core/ports.js';
import { callOptions } from './call-options.js';
import { toEtcdError } from './errors.js';
import { Member } from './member.js';
import { DEFAULT_REQUEST_TIMEOUT, type EtcdOptions } from './options.js';

/** One request to one member. */
type Request<T> = (client: Etcd3, options: CallOptions) => Promise<T>;

interface CallSettings {
  readonly signal: AbortSignal;
  /** The lease that the call is about, for its error. */
  readonly lease?: LeaseId;
  /** A stream: it has no deadline. */
  readonly stream?: boolean;
  /**
   * For an answer that may be long: how long it may take, in ms, instead of `requestTimeout`. The call fails with TIMEOUT
   * then, and the member is not blamed for it.
   */
  readonly patience?: number;
}

/**
 * The members of a cluster. One is used at a time, until it fails: then the next one takes over. The first one is chosen at
 * random, so that the clients spread over the cluster.
 */
export class Cluster {
  #options: EtcdOptions;
  #members: readonly Member[];
  /** Members with former options, while calls to them may be under way. */
  readonly #retired = new Set<Member>();
  #current: number;

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#members = membersOf(options);
    this.#current = Math.floor(Math.random() * this.#members.length);
  }

  get options(): EtcdOptions {
    return this.#options;
  }

  /** Uses other options from now on. Throws, and changes nothing, where they cannot be used. */
  renew(options: EtcdOptions): void {
    const members = membersOf(options);
    const before = this.#members;
    this.#options = options;
    this.#members = members;
    this.#current = Math.floor(Math.random() * members.length);
    for (const member of before) this.#retired.add(member);
    // Calls under way may end; a watch ends with its connection, and its reader starts it again on the new one.
    setTimeout(() => {
      for (const member of before) if (this.#retired.delete(member)) member.client.close();
    }, this.#timeout).unref();
  }

  get #timeout(): number {
    return this.#options.requestTimeout ?? DEFAULT_REQUEST_TIMEOUT;
  }

  /** How many members there are. */
  get size(): number {
    return this.#members.length;
  }

  /**
   * Runs a request on the current member. Where that is unreachable, which shows at once, the others are tried in turn. A
   * member that does not answer in time fails the call, and the next call goes to another.
   */
  async call<T>(request: Request<T>, settings: CallSettings): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#callCurrent(request, settings);
      } catch (error) {
        const unreachable = error instanceof EtcdError && error.code === 'UNREACHABLE';
        if (!unreachable || tried >= this.#members.length) throw error;
      }
    }
  }

  /** Runs a request like `call`, but on every member in turn while the failure is the member's. Fails when all have failed. */
  async callAny<T>(request: Request<T>, settings: CallSettings): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.call(request, settings);
      } catch (error) {
        if (!isFaultOfMember(error, settings) || tried >= this.size) throw error;
      }
    }
  }

  close(): void {
    for (const member of [...this.#members, ...this.#retired]) member.client.close();
    this.#retired.clear();
  }

  async #callCurrent<T>(request: Request<T>, settings: CallSettings): Promise<T> {
    const { signal, lease } = settings;
    const member = this.#member(this.#current);
    try {
      return await this.#attempt(member, request, settings);
    } catch (error) {
      const failure = toEtcdError(error, lease, member.endpoint);
      if (signal.aborted ? isTimeout(signal.reason) : isFaultOfMember(failure, settings))
        this.#failOver(member);
      throw signal.aborted ? signal.reason : failure;
    }
  }

  async #attempt<T>(member: Member, request: Request<T>, settings: CallSettings): Promise<T> {
    try {
      return await this.#send(member, request, settings);
    } catch (error) {
      if (toEtcdError(error).code !== 'TOKEN_REFUSED') throw error;
      member.forgetToken();
      return this.#send(member, request, settings);
    }
  }

  async #send<T>(member: Member, request: Request<T>, settings: CallSettings): Promise<T> {
    const { signal, stream, patience } = settings;
    signal.throwIfAborted();
    const token = await raceAbort(member.token(), signal);
    if (patience === undefined) {
      const timeout = stream ? {} : { timeout: this.#timeout };
      return request(member.client, callOptions({ signal, token, ...timeout }));
    }
    return withTimeout(patience, signal, (limited) =>
      request(member.client, callOptions({ signal: limited, token })).catch((error: unknown) => {
        if (signal.aborted || !limited.aborted) throw error;
        throw new EtcdError('TIMEOUT', `etcd: no answer within ${patience} ms`, { cause: error });
      }),
    );
  }

  #member(index: number): Member {
    const member = this.#members[index];
    if (!member) throw new RangeError(`there is no member ${index}`);
    return member;
  }

  /** Goes on with the next member, unless another call has done so already or the members were replaced. */
  #failOver(member: Member): void {
    if (member === this.#members[this.#current]) this.#current = (this.#current + 1) % this.#members.length;
  }
}

function membersOf(options: EtcdOptions): readonly Member[] {
  if (options.endpoints.length === 0) throw new EtcdError('REFUSED', 'etcd: no endpoint is given');
  return options.endpoints.map((endpoint) => new Member(endpoint, options));
}

function isFaultOfMember(error: unknown, { patience }: CallSettings): boolean {
  if (!(error instanceof EtcdError) || !error.retryable) return false;
  if (error.code === 'TIMEOUT') return patience === undefined;
  return error.code !== 'LEASE_GONE' && error.code !== 'COMPACTED';
}
