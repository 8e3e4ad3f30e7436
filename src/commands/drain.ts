import type { drainScope } from '../config/options/operator.js';
import { registrationKey } from '../core/keys.js';
import { followDrain, requestDrain } from '../daemon/operator-drain.js';
import type { DrainProgress } from '../daemon/operator-drain-options.js';
import type { InvocationOf } from './command.js';
import { atDesk, instanceOf } from './operator.js';
import { say } from './say.js';

/** `sidekick drain`: 0 once the request stands, and with --wait once every watcher has answered. */
export async function drain({
  config,
  args,
  sources,
  out,
}: InvocationOf<typeof drainScope>): Promise<number> {
  const instance = instanceOf(args);
  const name = `${instance.service} ${instance.address}`;
  return atDesk(config.values, sources.env, async (desk) => {
    const key = registrationKey(desk.space, instance);
    const registered = (await desk.store.read([key], desk.signal)).has(key);
    const revision = await requestDrain(instance, desk, desk.signal);
    say(
      out,
      registered
        ? `draining ${name}; it stays out until: sidekick undrain ${name}`
        : `${name} is not registered; when it is, it is drained, until: sidekick undrain ${name}`,
    );
    if (!config.values.wait) return 0;
    const tell = (progress: DrainProgress) => {
      if (!progress.done) say(out, describe(progress));
    };
    const { answered } = await followDrain(instance, revision, desk, tell, desk.signal);
    say(
      out,
      answered.length > 0
        ? `${name} has been taken out by ${answered.join(', ')}`
        : `no watcher drives ${instance.service}: there is nothing to wait for`,
    );
    return 0;
  });
}

function describe({ answered, waitingFor }: DrainProgress): string {
  const out = answered.length > 0 ? `; taken out by ${answered.join(', ')}` : '';
  return `waiting for ${waitingFor.join(', ')}${out}`;
}
