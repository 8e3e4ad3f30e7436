import type { drainScope } from '../config/options/operator.js';
import { registrationKey } from '../core/keys.js';
import { followDrain, requestDrain } from '../daemon/operator-drain.js';
import type { DrainProgress } from '../daemon/operator-drain-options.js';
import type { InvocationOf } from './command.js';
import { atDesk, instanceOf } from './operator.js';

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
    out.write(
      registered
        ? `draining ${name}; it stays out until: sidekick undrain ${name}\n`
        : `${name} is not registered; when it is, it is drained, until: sidekick undrain ${name}\n`,
    );
    if (!config.values.wait) return 0;
    const tell = (progress: DrainProgress) => {
      if (!progress.done) out.write(`${describe(progress)}\n`);
    };
    const { answered } = await followDrain(instance, revision, desk, tell, desk.signal);
    out.write(
      answered.length > 0
        ? `${name} has been taken out by ${answered.join(', ')}\n`
        : `no watcher drives ${instance.service}: there is nothing to wait for\n`,
    );
    return 0;
  });
}

function describe({ answered, waitingFor }: DrainProgress): string {
  const out = answered.length > 0 ? `; taken out by ${answered.join(', ')}` : '';
  return `waiting for ${waitingFor.join(', ')}${out}`;
}
