import {
  castGrpcError,
  EtcdAuthenticationFailedError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCDeadlineExceededError,
  GRPCUnauthenticatedError,
  GRPCUnavailableError,
  isRecoverableError,
} from 'etcd3';
import { EtcdError, LeaseGoneError, messageOf } from '../../core/errors.js';
import type { LeaseId } from '../../core/ports.js';
import { explainConnectionError } from '../connection-errors.js';

type ErrorClass = abstract new (...args: never[]) => Error;

/** etcd3's typed errors, our codes, and whether the same call may succeed later by itself. */
const CODES: readonly (readonly [ErrorClass, code: string, retryable: boolean])[] = [
  [EtcdPermissionDeniedError, 'DENIED', false],
  [EtcdAuthenticationFailedError, 'AUTH_FAILED', false],
  [GRPCUnauthenticatedError, 'TOKEN_REFUSED', true],
  [GRPCDeadlineExceededError, 'TIMEOUT', true],
  [GRPCUnavailableError, 'UNREACHABLE', true],
];

/** What is told apart by its words alone, which come from etcd (`rpctypes/error.go`) and from gRPC. */
const WORDS: readonly (readonly [RegExp, code: string, retryable: boolean])[] = [
  // The revision that was asked for is no longer, or not yet, there.
  [/required revision (has been compacted|is a future revision)/, 'COMPACTED', true],
  [/Received message larger than max/, 'TOO_LARGE', false],
  [/database space exceeded/, 'NO_SPACE', false],
];

/**
 * Turns what etcd3 or gRPC threw into an EtcdError.
 * @param lease The lease that the call was about.
 * @param endpoint Where the call went: for advice on what to change where there was no connection.
 */
export function toEtcdError(thrown: unknown, lease: LeaseId = 'unknown', endpoint?: string): EtcdError {
  if (thrown instanceof EtcdError) return thrown;
  const error = thrown instanceof Error ? castGrpcError(thrown) : thrown;
  if (error instanceof EtcdLeaseInvalidError) return new LeaseGoneError(lease, { cause: error });
  const message = `etcd: ${inWords(messageOf(error), endpoint)}`;
  const found = WORDS.find(([words]) => words.test(message)) ?? CODES.find(([type]) => error instanceof type);
  if (found) return new EtcdError(found[1], message, found[2], { cause: error });
  const retryable = error instanceof Error && isRecoverableError(error);
  return new EtcdError(retryable ? 'FAILED' : 'REFUSED', message, retryable, { cause: error });
}

/** gRPC's frame around the one thing that it has to say where there is no connection. */
const NO_CONNECTION =
  /^14 UNAVAILABLE: No connection established\. Last error: (.*?)(?: \([-\d]+T[\d:.]+Z\))?\. Resolution note:/;

function inWords(message: string, endpoint: string | undefined): string {
  const reason = NO_CONNECTION.exec(message)?.[1];
  if (reason === undefined) return message;
  if (endpoint === undefined) return `no connection: ${reason}`;
  return `no connection to ${endpoint}: ${explainConnectionError(reason, endpoint.startsWith('https:'))}`;
}
