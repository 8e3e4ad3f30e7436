import type { unholdScope } from '../config/operator.js';
import type { LiveWatcher } from '../core/drain-acks.js';
import { parseService, unholdKey } from '../core/keys.js';
import type { InvocationOf } from './command.js';
import { readLiveWatchers, undrivenHint } from './live-watchers.js';
import { nameList, notFound } from './not-found.js';
import { printJson } from './print-json.js';
import { printLines } from './print-lines.js';
import { argument, withEtcd } from './with-etcd.js';

/** How long the request stays in etcd, in ms. Watchers see it at once, or when they next read etcd. */
const REQUEST_TTL = 60_000;

/**
 * `sidekick unhold`: asks every watcher to let go of the servers that its guard holds for a service. Resolves to 0; rejects
 * if no watcher drives the service, or if none holds a server of it.
 */
export async function unhold(invocation: InvocationOf<typeof unholdScope>): Promise<number> {
  const { args, out, config } = invocation;
  const service = argument('service', parseService(args[0] ?? ''));
  await withEtcd(invocation, async (session) => {
    const { store, prefixes, signal } = session;
    const watchers = await readLiveWatchers(session);
    const driving = watchers.filter(({ services }) => services.has(service));
    if (driving.length === 0) {
      throw notFound(
        `no running watcher drives ${service}: nothing was changed`,
        undrivenHint(service, watchers),
      );
    }
    // A watcher of an older version does not tell what it holds.
    const holding = driving.filter((watcher) => watcher.heldOf(service) !== 0);
    if (holding.length === 0) {
      const names = nameList(driving.map(({ watcher }) => watcher));
      throw notFound(`no guard holds a server of ${service} (watchers: ${names})`);
    }
    const lease = await store.grant(REQUEST_TTL, signal);
    await store.put(unholdKey(prefixes, service), new Date().toISOString(), { lease }, signal);
    if (config.values.json) {
      const asked = holding.map((watcher) => ({ watcher: watcher.watcher, held: watcher.heldOf(service) }));
      return printJson(out, { service, asked });
    }
    return printLines(
      out,
      `asked these watchers to let go of the held servers of ${service}: ${nameList(holding.map((watcher) => describe(watcher, service)))}`,
    );
  });
  return 0;
}

function describe(watcher: LiveWatcher, service: string): string {
  const name = watcher.watcher;
  const count = watcher.heldOf(service);
  return count === undefined ? name : `${name} (${count} server${count === 1 ? '' : 's'})`;
}
