import { stringify } from 'yaml';
import type { registerScope } from '../config/options/register.js';
import type { watchScope } from '../config/options/watch.js';
import { registerSettings } from '../config/settings/register.js';
import { watchSettings } from '../config/settings/watch.js';
import type { Invocation, InvocationOf } from './command.js';

type Verb = 'check' | 'print';

/** `sidekick config check|print register` */
export async function registerConfig(
  verb: Verb,
  invocation: InvocationOf<typeof registerScope>,
): Promise<number> {
  registerSettings(invocation.config, invocation.sources.env);
  return tell(verb, 'register', invocation);
}

/** `sidekick config check|print watch` */
export async function watchConfig(verb: Verb, invocation: InvocationOf<typeof watchScope>): Promise<number> {
  watchSettings(invocation.config, invocation.sources.env);
  return tell(verb, 'watch', invocation);
}

function tell(verb: Verb, name: string, { config, out }: Pick<Invocation, 'config' | 'out'>): number {
  out.write(verb === 'print' ? stringify(config.written) : `the configuration of ${name} is right\n`);
  return 0;
}
