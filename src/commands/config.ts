import { stringify } from 'yaml';
import { type UnknownVariable, unknownVariables } from '../config/engine/layers.js';
import { type Problem, refuseProblems } from '../config/engine/problem.js';
import type { registerScope } from '../config/register.js';
import { registerSettings } from '../config/register.js';
import { SCOPES } from '../config/scopes.js';
import type { watchScope } from '../config/watch.js';
import { watchSettings } from '../config/watch.js';
import type { Invocation, InvocationOf } from './command.js';
import { say } from './say.js';

type Verb = 'check' | 'print';

/** `sidekick config check|print register` */
export async function registerConfig(
  verb: Verb,
  invocation: InvocationOf<typeof registerScope>,
): Promise<number> {
  const { warnings } = registerSettings(invocation.config, invocation.sources.env);
  return tell(verb, 'register', warnings, invocation);
}

/** `sidekick config check|print watch` */
export async function watchConfig(verb: Verb, invocation: InvocationOf<typeof watchScope>): Promise<number> {
  const { warnings } = watchSettings(invocation.config, invocation.sources.env);
  return tell(verb, 'watch', warnings, invocation);
}

function tell(
  verb: Verb,
  name: string,
  warnings: readonly Problem[],
  { config, out, sources }: Pick<Invocation, 'config' | 'out' | 'sources'>,
): number {
  if (verb === 'print') {
    out.write(stringify(config.effective));
    return 0;
  }
  refuseProblems(unknownVariables(Object.values(SCOPES), sources.env).map(asProblem));
  say(out, ...warnings.map(({ key, reason }) => `warning: ${key}: ${reason}`));
  say(out, `the configuration of ${name} is right`);
  return 0;
}

/** A daemon only warns of it, since it is not the only one that may be given variables. */
function asProblem({ name, meant }: UnknownVariable): Problem {
  const hint = meant === undefined ? '; the reference lists all variables' : `: perhaps ${meant}?`;
  return { key: name, reason: `is no variable of sidekick${hint}` };
}
