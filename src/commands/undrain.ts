import type { undrainScope } from '../config/operator.js';
import { maintenancePrefix } from '../core/keys.js';
import { describeMaintenance } from '../core/maintenance.js';
import { cancelDrain } from '../daemon/drain/operator.js';
import type { InvocationOf } from './command.js';
import { nameList, notFound } from './not-found.js';
import { printJson } from './print-json.js';
import { printLines } from './print-lines.js';
import { instanceOf, withEtcd } from './with-etcd.js';

/** `sidekick undrain`. Resolves to 0; rejects if the instance was not drained by an operator. */
export async function undrain(invocation: InvocationOf<typeof undrainScope>): Promise<number> {
  const { args, out, config } = invocation;
  const instance = instanceOf(args);
  const name = `${instance.service} ${instance.address}`;
  return withEtcd(invocation, async (session) => {
    const request = await cancelDrain(instance, session, session.signal);
    if (request !== undefined) {
      const about = describeMaintenance(request);
      if (config.values.json) printJson(out, { ...instance, ended: request });
      else printLines(out, `${name} is no longer drained${about === '' ? '' : ` (it was drained ${about})`}`);
      return 0;
    }
    const prefix = `${maintenancePrefix(session.prefixes)}`;
    const drained = (await session.store.list(prefix, session.signal)).map(({ key }) =>
      key.slice(prefix.length).replace('/', ' '),
    );
    throw notFound(
      `${name} is not drained by an operator`,
      drained.length > 0
        ? `drained instances are ${nameList(drained)}`
        : 'no instance is drained by an operator',
    );
  });
}
