import type { Dispatcher } from 'undici';
import { TimeoutError } from '../../async/abort.js';

/** What was answered: the status and the body. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Whether the request has succeeded: a status of 2xx. */
export function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

interface Limits {
  /** In ms, from the call on. It begins again with each part of the answer that arrives, so a long answer may take longer. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * Sends one request and resolves to the whole answer, whatever its status. Rejects with the signal's reason, with a
 * TimeoutError, or with undici's error. It is undici's `dispatch` with one handler: of thousands of small answers
 * `request` makes a stream and an AbortSignal each, which costs more than the exchange itself.
 * @param take Is given the body of a good answer part by part, as it arrives; the text is then empty.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { timeout, signal }: Limits,
  take?: (part: Buffer) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    let controller: Dispatcher.DispatchController | undefined;
    let abortedBy: Error | undefined;
    let status = 0;
    const parts: Buffer[] = [];

    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown) => {
      end();
      reject(error);
    };
    // A request that waits for a connection has no controller: it is aborted when its turn comes.
    const abort = (reason: Error) => {
      abortedBy = reason;
      fail(reason);
      controller?.abort(reason);
    };
    const onAbort = () => abort(signal.reason);
    const timer = setTimeout(() => abort(new TimeoutError(`not done within ${timeout} ms`)), timeout);
    signal.addEventListener('abort', onAbort, { once: true });

    dispatcher.dispatch(request, {
      onRequestStart(started) {
        controller = started;
        if (abortedBy) started.abort(abortedBy);
      },
      onResponseStart(_controller, statusCode) {
        status = statusCode;
      },
      onResponseData(_controller, part) {
        timer.refresh();
        if (take && isGood(status)) take(part);
        else parts.push(part);
      },
      onResponseEnd() {
        end();
        const [first] = parts;
        const body = first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
        resolve({ status, text: body.toString('utf8') });
      },
      onResponseError(_controller, error) {
        if (!abortedBy) fail(error);
      },
    });
  });
}
