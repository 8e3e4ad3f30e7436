import type { unholdScope } from '../config/operator.js';
import type { LiveWatcher } from '../core/drain-acks.js';
import { parseService, unholdKey } from '../core/keys.js';
import type { InvocationOf } from './command.js';
import { hintFor, listed, nothingFound, watchersAt } from './findings.js';
import { say } from './say.js';
import { argument, withEtcd } from './with-etcd.js';

/** How long the word stays in etcd, in ms: watchers see it at once, or when they next read. */
const STANDS_FOR = 60_000;

/**
 * `sidekick unhold`: lets go what the guard of every watcher holds of a service. 1 where no watcher drives the service,
 * or none holds anything of it.
 */
export async function unhold(invocation: InvocationOf<typeof unholdScope>): Promise<number> {
  const { args, out } = invocation;
  const service = argument('service', parseService(args[0] ?? ''));
  await withEtcd(invocation, async (session) => {
    const { store, prefixes, signal } = session;
    const watchers = await watchersAt(session);
    const driving = watchers.filter(({ services }) => services.has(service));
    if (driving.length === 0) {
      throw nothingFound(
        `no running watcher drives ${service}: nothing was asked for`,
        hintFor(service, watchers),
      );
    }
    // One that does not say what it holds is of an older version, and may hold something.
    const holding = driving.filter((watcher) => watcher.heldOf(service) !== 0);
    if (holding.length === 0) {
      const names = listed(driving.map(({ watcher }) => watcher));
      throw nothingFound(`no guard holds anything of ${service} (asked: ${names})`);
    }
    const lease = await store.grant(STANDS_FOR, signal);
    await store.put(unholdKey(prefixes, service), new Date().toISOString(), { lease }, signal);
    say(out, `asked to let go what the guard holds of ${service}: ${listed(holding.map(held(service)))}`);
  });
  return 0;
}

function held(service: string): (watcher: LiveWatcher) => string {
  return (watcher) => {
    const count = watcher.heldOf(service);
    return count === undefined
      ? watcher.watcher
      : `${watcher.watcher} (${count} server${count === 1 ? '' : 's'})`;
  };
}
