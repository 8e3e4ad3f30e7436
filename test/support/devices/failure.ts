/** What can go wrong when a device asks for firmware. */

/**
 * `connection`: it could not be made, broke off, or was silent for too long; `status`: a status that the client takes for an
 * error; `form`: an answer that the client cannot read; `content`: bytes that are not those which were promised.
 */
type FailureKind = 'connection' | 'status' | 'form' | 'content';

export class DeviceFailure extends Error {
  readonly kind: FailureKind;
  /** The firmware server that answered, `''` where none has said its name. */
  server = '';

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A body that ended before its length. */
export class BrokenOff extends DeviceFailure {
  readonly received: Buffer;

  constructor(received: Buffer, length: number, cause: unknown) {
    super('connection', `the body broke off after ${received.length} of ${length} bytes`, { cause });
    this.received = received;
  }
}
