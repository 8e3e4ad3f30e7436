import { oneLine, printable } from './printable.js';

/** An error of this project. Its `code` is stable and what a program decides on; its message is for people. */
export class SidekickError<Code extends string = string> extends Error {
  override readonly name: string = 'SidekickError';

  constructor(
    readonly code: Code,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Wrong command line or configuration: exit code 2. The message names the key, the value and what is allowed. */
export class UsageError extends SidekickError<'USAGE'> {
  override readonly name = 'UsageError';

  constructor(message: string, options?: ErrorOptions) {
    super('USAGE', message, options);
  }
}

/** The codes of EtcdError, and whether the same call may succeed later without anybody changing anything. */
const RETRYABLE = {
  /** No connection to the member. */
  UNREACHABLE: true,
  /** The member did not answer in time. */
  TIMEOUT: true,
  /** The member failed in another way. */
  FAILED: true,
  /** The revision that was asked for is no longer, or not yet, there. */
  COMPACTED: true,
  /** The lease has expired, was revoked, or is unknown to a restored etcd. */
  LEASE_GONE: true,
  /** The user's token has expired, or etcd asks for one. */
  TOKEN_REFUSED: true,
  /** The user may not do this. */
  DENIED: false,
  /** Wrong user or password. */
  AUTH_FAILED: false,
  /** etcd's database is full. */
  NO_SPACE: false,
  /** The answer is larger than is accepted. */
  TOO_LARGE: false,
  /** etcd does not accept the request. */
  REFUSED: false,
} as const;

export type EtcdErrorCode = keyof typeof RETRYABLE;

/** etcd could not be reached, did not answer in time, or refused. Its words are untrusted: the message is one line. */
export class EtcdError extends SidekickError<EtcdErrorCode> {
  override readonly name: string = 'EtcdError';

  constructor(code: EtcdErrorCode, message: string, options?: ErrorOptions) {
    super(code, oneLine(message), options);
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return RETRYABLE[this.code];
  }

  /**
   * Whether etcd answered and said no: access, a full database, a request that it does not accept. It will say no again
   * until somebody changes something. All other errors mean that it did not answer, or failed.
   */
  get refused(): boolean {
    return !this.retryable || this.code === 'TOKEN_REFUSED';
  }
}

/** The lease is gone: expired, revoked, or unknown to a restored etcd. Its keys are gone with it. */
export class LeaseGoneError extends EtcdError {
  override readonly name = 'LeaseGoneError';

  constructor(leaseId: string, options?: ErrorOptions) {
    super('LEASE_GONE', `lease ${leaseId} is gone`, options);
  }
}

/**
 * NGINX's own code, such as `UpstreamNotFound`, or where it gave none: `UNREACHABLE` for no connection, `TIMEOUT` for no
 * answer in time, `BAD_ANSWER` for an answer that is not one of the API.
 */
type NginxErrorCode = 'UNREACHABLE' | 'TIMEOUT' | 'BAD_ANSWER' | (string & {});

interface NginxErrorOptions extends ErrorOptions {
  /** The HTTP status of the answer; left out where there was none. */
  readonly status?: number | undefined;
}

/** The NGINX API answered with an error, or did not answer. Its words are untrusted: the message is one line. */
export class NginxError extends SidekickError<NginxErrorCode> {
  override readonly name: string = 'NginxError';
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined;

  constructor(code: NginxErrorCode, message: string, { status, ...options }: NginxErrorOptions = {}) {
    super(printable(code, 64), oneLine(message), options);
    this.status = status;
  }

  /**
   * Whether the same call may succeed later without anybody changing anything: there was no answer, it was a success that
   * could not be read, or NGINX is overloaded or starts (5xx, 408, 429).
   */
  get retryable(): boolean {
    const { status } = this;
    return status === undefined || status < 300 || status >= 500 || status === 408 || status === 429;
  }
}

/** What a thrown value says, fit for a log line or a cell of a table: libraries have messages of many lines. */
export function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}
