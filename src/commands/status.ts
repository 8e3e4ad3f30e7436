import { DEFAULT_ADMIN_LISTEN } from '../config/admin-listen.js';
import type { statusScope } from '../config/status.js';
import { SidekickError, UsageError } from '../core/errors.js';
import { printableJson } from '../core/printable.js';
import { ADMIN_ADVICE, askAdmin, readAdminToken } from './admin-client.js';
import type { InvocationOf } from './command.js';
import type { RegisterStatus } from './register.js';
import { registrarText, watcherText } from './status-text.js';
import type { WatchStatus } from './watch.js';

/** The JSON of /status. */
type StatusResponse =
  | ({ readonly command: 'register'; readonly version: string } & RegisterStatus)
  | ({ readonly command: 'watch'; readonly version: string } & WatchStatus);

/** `sidekick status`: of the fleet, or with --local or --admin of one sidekick. */
export async function status(invocation: InvocationOf<typeof statusScope>): Promise<number> {
  const { local, admin } = invocation.config.values;
  if (!local && admin === undefined) return (await import('./fleet.js')).fleet(invocation);
  return localStatus(invocation);
}

/** Resolves to 0 if the sidekick is ready, otherwise to 1; rejects if it does not answer. */
async function localStatus({
  config,
  args,
  sources,
  out,
}: InvocationOf<typeof statusScope>): Promise<number> {
  const { admin = `http://${DEFAULT_ADMIN_LISTEN}`, adminTokenFile, json, watch } = config.values;
  if (watch || args.length > 0) {
    throw new UsageError('--local shows one whole sidekick once: leave the service and --watch out');
  }
  const answer = await request(admin, readAdminToken(adminTokenFile, sources.env));
  if (json) out.write(`${printableJson(answer, 2)}\n`);
  else if (answer.command === 'watch') out.write(watcherText(answer));
  else out.write(registrarText(answer));
  return answer.ready ? 0 : 1;
}

async function request(admin: string, token: string | undefined): Promise<StatusResponse> {
  const response = await askAdmin(`${admin}/status`, { token });
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok || !isStatus(answer)) {
    throw new SidekickError('ADMIN', `${admin} answers, but is not a sidekick: ${ADMIN_ADVICE}`);
  }
  return answer;
}

function isStatus(answer: unknown): answer is StatusResponse {
  const { command } = (answer ?? {}) as { command?: unknown };
  return command === 'register' || command === 'watch';
}
