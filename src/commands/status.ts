import type { statusScope } from '../config/operator.js';
import { messageOf, SidekickError } from '../core/errors.js';
import { printableJson } from '../core/printable.js';
import type { RegistrarStatus } from '../daemon/registrar/status.js';
import type { WatcherStatus } from '../daemon/watcher/status.js';
import type { InvocationOf } from './command.js';
import { registrarText, watcherText } from './status-text.js';

/** What /status answers: which command it is, and how it stands. */
type StatusAnswer =
  | ({ readonly command: 'register'; readonly version: string } & RegistrarStatus)
  | ({ readonly command: 'watch'; readonly version: string } & WatcherStatus);

/** How long the sidekick may take to answer, in ms. */
const TIMEOUT = 5000;

/** `sidekick status`: 0 where the sidekick is ready, 1 where it is not or does not answer. */
export async function status({ config, out }: InvocationOf<typeof statusScope>): Promise<number> {
  const { admin, json } = config.values;
  const answer = await ask(admin);
  if (json) out.write(`${printableJson(answer, 2)}\n`);
  else if (answer.command === 'watch') out.write(watcherText(answer));
  else out.write(registrarText(answer));
  return answer.ready ? 0 : 1;
}

async function ask(admin: string): Promise<StatusAnswer> {
  const remedy = 'is a sidekick running there? Give its admin.listen with --admin';
  let response: Response;
  try {
    response = await fetch(`${admin}/status`, { signal: AbortSignal.timeout(TIMEOUT) });
  } catch (error) {
    const cause = error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error);
    throw new SidekickError('ADMIN', `${admin} does not answer (${cause}): ${remedy}`, true, {
      cause: error,
    });
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (!response.ok || !isAnswer(answer)) {
    throw new SidekickError('ADMIN', `${admin} answers, but not as a sidekick does: ${remedy}`, false);
  }
  return answer;
}

function isAnswer(answer: unknown): answer is StatusAnswer {
  const { command } = (answer ?? {}) as { command?: unknown };
  return command === 'register' || command === 'watch';
}
