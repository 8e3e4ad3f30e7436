import { sleep } from '../async/sleep.js';
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
import { printLines } from './print-lines.js';
import { argument, type EtcdSession, withEtcd } from './with-etcd.js';

type StatusInvocation = InvocationOf<typeof statusScope>;

/** The least time from one output of `--watch` to the next, in ms. */
const REDRAW = 500;

/** `sidekick status` from etcd. Resolves to 0 if all is in sync, otherwise to 1; rejects if etcd cannot be read. */
export async function fleet(invocation: StatusInvocation): Promise<number> {
  const [name] = invocation.args;
  const service = name === undefined ? undefined : argument('service', parseService(name));
  return withEtcd(invocation, async (session) => {
    if (invocation.config.values.watch) return watchFleet(invocation, service, session);
    const status = wholeFleet(session.prefixes, await readAll(session));
    show(status, service, invocation);
    return isInSync(status, service) ? 0 : 1;
  });
}

/** The fleet, and what its devices are offered. */
export interface WholeFleet extends FleetStatus {
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

/** Shows the fleet whenever it changes. Rejects when it is aborted. */
async function watchFleet(
  invocation: StatusInvocation,
  service: string | undefined,
  { reader, prefixes, signal }: EtcdSession,
): Promise<number> {
  const { out, err } = invocation;
  let latest: RegistrySnapshot | undefined;
  let isDue = false;
  const draw = async () => {
    await sleep(REDRAW, signal);
    isDue = false;
    if (!latest || signal.aborted) return;
    // The screen is cleared on a terminal alone: anything else gets one output after the other.
    if ((out as NodeJS.WriteStream).isTTY) out.write('\u001b[H\u001b[2J');
    show(wholeFleet(prefixes, latest.entries), service, invocation);
  };
  const listener = {
    onSnapshot(snapshot: RegistrySnapshot) {
      latest = snapshot;
      if (isDue) return;
      isDue = true;
      void draw();
    },
    onUnavailable: (error: Error) =>
      printLines(err, `etcd cannot be read: ${messageOf(error)}; trying again`),
  };
  await reader.watch(watchedPrefixes(prefixes), listener, signal);
  signal.throwIfAborted();
  return 0;
}

function show(status: WholeFleet, service: string | undefined, { config, out }: StatusInvocation): void {
  if (!config.values.json) {
    out.write(fleetText(status, { service, now: Date.now() }));
    return;
  }
  const services = status.services.filter(({ name }) => service === undefined || name === service);
  out.write(`${printableJson({ ...status, services }, config.values.watch ? 0 : 2)}\n`);
}
