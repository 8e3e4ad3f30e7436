import type { statusScope } from '../config/status.js';
import { messageOf } from '../core/errors.js';
import { type FleetStatus, fleetPrefixes, fleetStatus } from '../core/fleet-status.js';
import { type KeyPrefixes, parseService } from '../core/keys.js';
import type { KeyValue, RegistrySnapshot } from '../core/ports.js';
import { printableJson } from '../core/printable.js';
import { DEFAULT_FIRMWARE_SERVICE } from '../daemon/firmware/options.js';
import { firmwareRoot } from '../firmware/keys.js';
import type { TypeStatus } from '../firmware/type-status.js';
import type { InvocationOf } from './command.js';
import { typesIn } from './firmware/status.js';
import { fleetText } from './fleet-text.js';
import { LiveView } from './live-view.js';
import { printLines } from './print-lines.js';
import { argument, type EtcdSession, withEtcd } from './with-etcd.js';

type StatusInvocation = InvocationOf<typeof statusScope>;

/** `sidekick status` from etcd. Resolves to 0 if all is in sync, otherwise to 1; rejects if etcd cannot be read. */
export async function fleet(invocation: StatusInvocation): Promise<number> {
  const [name] = invocation.args;
  const service = name === undefined ? undefined : argument('service', parseService(name));
  return withEtcd(invocation, async (session) => {
    if (invocation.config.values.watch) return watchFleet(invocation, service, session);
    const status = wholeFleet(session.prefixes, await readAll(session));
    invocation.out.write(textOf(status, service, invocation));
    return isInSync(status, service) ? 0 : 1;
  });
}

/** The fleet, and what its devices are offered. */
interface WholeFleet extends FleetStatus {
  readonly firmware: readonly TypeStatus[];
}

function watchedPrefixes(prefixes: KeyPrefixes): readonly string[] {
  return [...fleetPrefixes(prefixes), firmwareRoot(prefixes)];
}

function wholeFleet(prefixes: KeyPrefixes, entries: ReadonlyMap<string, KeyValue>): WholeFleet {
  const now = Date.now();
  const firmware = typesIn(entries, { prefixes, service: DEFAULT_FIRMWARE_SERVICE, now });
  return { ...fleetStatus(prefixes, entries, now), firmware };
}

function isInSync({ inSync, services }: FleetStatus, service: string | undefined): boolean {
  if (service === undefined) return inSync;
  const one = services.find(({ name }) => name === service);
  return one !== undefined && one.instances.length > 0 && one.inSync === one.instances.length;
}

async function readAll({ store, prefixes, signal }: EtcdSession): Promise<ReadonlyMap<string, KeyValue>> {
  const lists = await Promise.all(watchedPrefixes(prefixes).map((prefix) => store.list(prefix, signal)));
  return new Map(lists.flat().map((entry) => [entry.key, entry]));
}

/** Shows the fleet as it changes. Rejects when it is aborted. */
async function watchFleet(
  invocation: StatusInvocation,
  service: string | undefined,
  { reader, prefixes, signal }: EtcdSession,
): Promise<number> {
  const { out, err } = invocation;
  const view = new LiveView<RegistrySnapshot>(out, ({ entries }) =>
    textOf(wholeFleet(prefixes, entries), service, invocation),
  );
  const listener = {
    onSnapshot: (snapshot: RegistrySnapshot) => view.update(snapshot),
    onUnavailable: (error: Error) => printLines(err, `etcd cannot be read: ${messageOf(error)}; retrying`),
  };
  await Promise.all([reader.watch(watchedPrefixes(prefixes), listener, signal), view.run(signal)]);
  signal.throwIfAborted();
  return 0;
}

/** The fleet for people, or as JSON. */
function textOf(status: WholeFleet, service: string | undefined, { config }: StatusInvocation): string {
  if (!config.values.json) return fleetText(status, { service, now: Date.now() });
  const services = status.services.filter(({ name }) => service === undefined || name === service);
  return `${printableJson({ ...status, services }, config.values.watch ? 0 : 2)}\n`;
}
