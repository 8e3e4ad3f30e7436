import type { releaseScope } from '../config/options/operator.js';
import { parseService, releaseKey } from '../core/keys.js';
import type { InvocationOf } from './command.js';
import { argument, atDesk } from './operator.js';

/** How long the word stays in etcd, in ms: watchers see it at once, or when they next read. */
const STANDS_FOR = 60_000;

/** `sidekick release`: lets go what the guard of every watcher holds of a service. */
export async function release({
  config,
  args,
  sources,
  out,
}: InvocationOf<typeof releaseScope>): Promise<number> {
  const service = argument('service', parseService(args[0] ?? ''));
  await atDesk(config.values, sources.env, async ({ store, space, signal }) => {
    const lease = await store.grant(STANDS_FOR, signal);
    await store.put(releaseKey(space, service), new Date().toISOString(), { lease }, signal);
  });
  out.write(`asked every watcher to let go what its guard holds of ${service}\n`);
  return 0;
}
