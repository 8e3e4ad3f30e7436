import type { undrainScope } from '../config/options/operator.js';
import { cancelDrain } from '../daemon/operator-drain.js';
import type { InvocationOf } from './command.js';
import { atDesk, instanceOf } from './operator.js';

/** `sidekick undrain`: 0 also where there was nothing to take back, which is said. */
export async function undrain({
  config,
  args,
  sources,
  out,
}: InvocationOf<typeof undrainScope>): Promise<number> {
  const instance = instanceOf(args);
  const name = `${instance.service} ${instance.address}`;
  return atDesk(config.values, sources.env, async (desk) => {
    const asked = await cancelDrain(instance, desk, desk.signal);
    out.write(asked ? `${name} may come back in\n` : `no drain of ${name} was asked for\n`);
    return 0;
  });
}
