import { setMaxListeners } from 'node:events';
import { type CallOptions, InterceptingCall, type StatusObject, status } from '@grpc/grpc-js';
import { isTimeout } from '../../async/abort.js';

/** What one gRPC call has beside its request. */
interface CallContext {
  readonly signal: AbortSignal;
  /** The user's token; undefined where etcd wants none. */
  readonly token: string | undefined;
  /** In ms from now; undefined for a stream that stays open. */
  readonly timeout?: number;
}

/** etcd's words for a token that is missing, expired, unknown, or older than a change of roles (`rpctypes/error.go`). */
const TOKEN_REFUSED = /user name is empty|invalid auth token|revision of auth store is old/;

/**
 * Options for one call: its deadline, its token, its cancellation when the signal is aborted, and `hasleader`, which
 * makes a member that has lost its leader refuse or end the call at once instead of stalling it (`rpctypes/metadatafields.go`).
 */
export function callOptions({ signal, token, timeout }: CallContext): CallOptions {
  // Every call under way listens to the one signal of the daemon: many listeners are no leak.
  setMaxListeners(0, signal);
  return {
    ...(timeout === undefined ? {} : { deadline: Date.now() + timeout }),
    interceptors: [
      (options, nextCall) => {
        const abort = () => call.cancelWithStatus(...cancellation(signal));
        const call = new InterceptingCall(nextCall(options), {
          start(metadata, _listener, next) {
            metadata.set('hasleader', 'true');
            if (token !== undefined) metadata.set('token', token);
            next(metadata, {
              onReceiveStatus(received, forward) {
                signal.removeEventListener('abort', abort);
                forward(translated(received));
              },
            });
            signal.addEventListener('abort', abort, { once: true });
            if (signal.aborted) abort();
          },
        });
        return call;
      },
    ],
  };
}

/** gRPC's words for an answer that is larger than is accepted. */
const TOO_LARGE = /^Received message larger than max/;

/**
 * Changes a status where etcd3 would do the wrong thing: after "etcdserver: invalid auth token" it repeats the call with
 * the same token until the deadline, and after an answer that is too large it closes the connection.
 */
function translated(received: StatusObject): StatusObject {
  if (TOKEN_REFUSED.test(received.details)) {
    const details = `the token was refused: ${received.details.replace('etcdserver: ', '')}`;
    return { ...received, code: status.UNAUTHENTICATED, details };
  }
  if (TOO_LARGE.test(received.details)) return { ...received, code: status.FAILED_PRECONDITION };
  return received;
}

/**
 * The status of a cancelled call. A time-out of the caller counts against the member, and etcd3 then makes a new connection.
 * Any other cancellation says nothing about the member, so it has a status for which etcd3 keeps the connection.
 */
function cancellation(signal: AbortSignal): [status, string] {
  return isTimeout(signal.reason)
    ? [status.DEADLINE_EXCEEDED, 'the time-out of the caller is over']
    : [status.FAILED_PRECONDITION, 'aborted by the caller'];
}
