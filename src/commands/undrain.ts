import type { undrainScope } from '../config/operator.js';
import { maintenancePrefix } from '../core/keys.js';
import { describeMaintenance } from '../core/maintenance.js';
import { cancelDrain } from '../daemon/drain/operator.js';
import type { InvocationOf } from './command.js';
import { listed, nothingFound } from './findings.js';
import { say } from './say.js';
import { instanceOf, withEtcd } from './with-etcd.js';

/** `sidekick undrain`: 1 where there was nothing to take back. */
export async function undrain(invocation: InvocationOf<typeof undrainScope>): Promise<number> {
  const { args, out } = invocation;
  const instance = instanceOf(args);
  const name = `${instance.service} ${instance.address}`;
  return withEtcd(invocation, async (session) => {
    const request = await cancelDrain(instance, session, session.signal);
    if (request !== undefined) {
      const about = describeMaintenance(request);
      say(out, `${name} may come back in${about === '' ? '' : ` (it was taken out ${about})`}`);
      return 0;
    }
    const prefix = `${maintenancePrefix(session.prefixes)}`;
    const drained = (await session.store.list(prefix, session.signal)).map(({ key }) =>
      key.slice(prefix.length).replace('/', ' '),
    );
    throw nothingFound(
      `no drain of ${name} was asked for`,
      drained.length > 0 ? `drained are ${listed(drained)}` : 'no instance is drained by an operator',
    );
  });
}
