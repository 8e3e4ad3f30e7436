import { stringify } from 'yaml';
import { type UnknownVariable, unknownVariables } from '../../config/engine/layers.js';
import { type Problem, refuseProblems } from '../../config/engine/problem.js';
import { type registerScope, registerSettings } from '../../config/register.js';
import { SCOPES } from '../../config/scopes.js';
import { type watchScope, watchSettings } from '../../config/watch.js';
import type { Invocation, InvocationOf } from '../command.js';
import { printJson } from '../print-json.js';
import { printLines } from '../print-lines.js';

type Verb = 'check' | 'print';

/** `sidekick config check|print register` */
export async function registerConfig(
  verb: Verb,
  invocation: InvocationOf<typeof registerScope>,
): Promise<number> {
  const { warnings } = registerSettings(invocation.config, invocation.sources.env);
  return checkOrPrint(verb, 'register', warnings, invocation);
}

/** `sidekick config check|print watch` */
export async function watchConfig(verb: Verb, invocation: InvocationOf<typeof watchScope>): Promise<number> {
  const { warnings } = watchSettings(invocation.config, invocation.sources.env);
  return checkOrPrint(verb, 'watch', warnings, invocation);
}

function checkOrPrint(
  verb: Verb,
  name: string,
  warnings: readonly Problem[],
  { config, out, sources }: Pick<Invocation, 'config' | 'out' | 'sources'>,
): number {
  const json = config.values.json === true;
  if (verb === 'print') {
    if (json) printJson(out, config.effective);
    else out.write(stringify(config.effective));
    return 0;
  }
  refuseProblems(unknownVariables(Object.values(SCOPES), sources.env).map(asProblem));
  if (json) {
    printJson(out, { command: name, valid: true, warnings });
    return 0;
  }
  printLines(out, ...warnings.map(({ key, reason }) => `warning: ${key}: ${reason}`));
  printLines(out, `the configuration of sidekick ${name} is valid`);
  return 0;
}

/** An error here, but only a warning for a daemon, which may share its environment with other programs. */
function asProblem({ name, meant }: UnknownVariable): Problem {
  const hint = meant === undefined ? '; see the configuration reference' : `: did you mean ${meant}?`;
  return { key: name, reason: `no option has this variable${hint}` };
}
