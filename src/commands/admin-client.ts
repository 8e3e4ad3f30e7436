import { messageOf, SidekickError } from '../core/errors.js';

/** How long a daemon may take to begin its answer, in ms. */
const REQUEST_TIMEOUT = 5000;

export const ADMIN_ADVICE = 'is a sidekick running there? Give the address of its admin.listen with --admin';

/** Asks the admin endpoints of a running daemon. Rejects with a SidekickError if nothing answers there. */
export async function askAdmin(url: string, init: RequestInit = {}): Promise<Response> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('no answer in time')), REQUEST_TIMEOUT);
  const signals = init.signal ? [late.signal, init.signal] : [late.signal];
  try {
    return await fetch(url, { ...init, signal: AbortSignal.any(signals) });
  } catch (error) {
    const cause = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    const { origin } = new URL(url);
    throw new SidekickError('ADMIN', `${origin} does not answer (${cause}): ${ADMIN_ADVICE}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
