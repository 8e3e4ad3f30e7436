import { refuseProblems } from '../config/engine/problem.js';
import { createFileReader } from '../config/engine/secret-files.js';
import { messageOf, SidekickError } from '../core/errors.js';
import { oneLine } from '../core/printable.js';

/** How long a daemon may take to begin its answer, in ms. */
const REQUEST_TIMEOUT = 5000;

export const ADMIN_ADVICE = 'is a sidekick running there? Give the address of its admin.listen with --admin';

/** What a request to the admin endpoints of a running daemon is made with. */
interface AdminRequestInit {
  /** What it is shown as a credential; undefined: nothing. */
  readonly token: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The token in the file of --admin-token-file; undefined where none is given. Throws a UsageError. */
export function readAdminToken(
  path: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const files = createFileReader(env);
  const token = files.token('adminTokenFile', path);
  refuseProblems(files.problems);
  return token;
}

/** Asks the admin endpoints of a running daemon. Rejects with a SidekickError if nothing answers there, or it refuses. */
export async function askAdmin(url: string, { token, headers, signal }: AdminRequestInit): Promise<Response> {
  const { origin } = new URL(url);
  const credential = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await request(url, { headers: { ...headers, ...credential }, ...(signal && { signal }) });
  if (response.status !== 401 && response.status !== 403) return response;
  const why = oneLine(await response.text().catch(() => ''));
  const advice =
    response.status === 401 ? ': give the file with its admin.tokenFile with --admin-token-file' : '';
  throw new SidekickError('ADMIN', `${origin} refuses: ${why}${advice}`);
}

async function request(url: string, init: RequestInit): Promise<Response> {
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
