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
import { EtcdError, type EtcdErrorCode, LeaseGoneError, messageOf } from '../../core/errors.js';
import type { LeaseId } from '../../core/ports.js';
import { explainConnectionError } from '../connection-errors.js';

type ErrorClass = abstract new (...args: never[]) => Error;

/** etcd3's typed errors and our codes. */
const CODES: readonly (readonly [ErrorClass, EtcdErrorCode])[] = [
  [EtcdPermissionDeniedError, 'DENIED'],
  [EtcdAuthenticationFailedError, 'AUTH_FAILED'],
  [GRPCUnauthenticatedError, 'TOKEN_REFUSED'],
  [GRPCDeadlineExceededError, 'TIMEOUT'],
  [GRPCUnavailableError, 'UNREACHABLE'],
];

/** Errors that only their words tell apart; the words are etcd's (`rpctypes/error.go`) and gRPC's. */
const WORDS: readonly (readonly [RegExp, EtcdErrorCode])[] = [
  [/required revision (has been compacted|is a future revision)/, 'COMPACTED'],
  [/Received message larger than max/, 'TOO_LARGE'],
  [/database space exceeded/, 'NO_SPACE'],
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
  const other = error instanceof Error && isRecoverableError(error) ? 'FAILED' : 'REFUSED';
  return new EtcdError(found?.[1] ?? other, message, { cause: error });
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
