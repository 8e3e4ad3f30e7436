import { oneLine, printable } from './printable.js';

/**
 * Errors carry a stable `code` to decide on; their messages are for people.
 * `retryable` says whether the same call may succeed later without anybody changing anything.
 */
export class SidekickError extends Error {
  override readonly name: string = 'SidekickError';

  constructor(
    readonly code: string,
    message: string,
    readonly retryable: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Wrong command line or configuration: exit code 2. The message names the key, the value and what is allowed. */
export class UsageError extends SidekickError {
  override readonly name = 'UsageError';

  constructor(message: string, options?: ErrorOptions) {
    super('USAGE', message, false, options);
  }
}

/** etcd could not be reached, did not answer in time, or refused. What it said is not trusted: see `oneLine`. */
export class EtcdError extends SidekickError {
  override readonly name: string = 'EtcdError';

  constructor(code: string, message: string, retryable: boolean, options?: ErrorOptions) {
    super(code, oneLine(message), retryable, options);
  }

  /**
   * Whether etcd answered, and does not do what was asked: access, a full store, a request that it does not take. Until
   * somebody changes something it will say the same again. All else means that it did not answer, or only with trouble of its own.
   */
  get refused(): boolean {
    return !this.retryable || this.code === 'TOKEN_REFUSED';
  }
}

/** The lease is gone: expired, revoked, or unknown to a restored etcd. Its keys are gone with it. */
export class LeaseGoneError extends EtcdError {
  override readonly name = 'LeaseGoneError';

  constructor(leaseId: string, options?: ErrorOptions) {
    super('LEASE_GONE', `lease ${leaseId} is gone`, true, options);
  }
}

/** The NGINX API answered with an error, or did not answer. What it said is not trusted: see `oneLine`. */
export class NginxError extends SidekickError {
  override readonly name: string = 'NginxError';

  constructor(
    /** NGINX's own code such as `UpstreamNotFound`; `Unreachable`, `Timeout` or `BadAnswer` where it gave none. */
    code: string,
    message: string,
    retryable: boolean,
    /** HTTP status; undefined where there was no answer. */
    readonly status?: number,
    options?: ErrorOptions,
  ) {
    super(printable(code, 64), oneLine(message), retryable, options);
  }
}

/** What a thrown value says, fit for a log line or a cell of a table: libraries have messages of many lines. */
export function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}
