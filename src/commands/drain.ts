import type { drainScope } from '../config/operator.js';
import { type Instance, maintenanceKey, registrationKey } from '../core/keys.js';
import { decodeMaintenance, describeMaintenance } from '../core/maintenance.js';
import { type DrainProgress, followDrain, requestDrain } from '../daemon/drain/operator.js';
import type { InvocationOf } from './command.js';
import { hintFor, listed, nothingFound, watchersAt } from './findings.js';
import { say } from './say.js';
import { waiting } from './waiting.js';
import { type EtcdSession, instanceOf, whoAsks, withEtcd } from './with-etcd.js';

/**
 * `sidekick drain`: 0 once the request stands, and with --wait once every watcher has answered. 1 where nothing of the
 * kind is registered, or with --wait where nobody takes it out in time.
 */
export async function drain(invocation: InvocationOf<typeof drainScope>): Promise<number> {
  const { config, args, sources, out } = invocation;
  const instance = instanceOf(args);
  const name = `${instance.service} ${instance.address}`;
  const undo = `sidekick undrain ${name}`;
  const { wait, force, reason, timeout } = config.values;
  return withEtcd(invocation, async (session) => {
    const { registered, standing } = await lookUp(instance, session);
    if (!registered && !force) throw await unregistered(instance, session);
    if (standing !== undefined) say(out, `a drain of ${name} was asked for before${about(standing)}`);
    const request = { by: whoAsks(sources.env), at: new Date().toISOString(), ...(reason && { reason }) };
    const revision = await requestDrain(instance, request, session, session.signal);
    if (!registered) {
      say(out, `${name} is not registered; when it is, it is drained, until: ${undo}`);
      return 0;
    }
    say(out, `draining ${name}; it stays out until: ${undo}`);
    return wait ? follow(instance, revision, timeout, { session, out }) : 0;
  });
}

async function lookUp(
  instance: Instance,
  { store, prefixes, signal }: EtcdSession,
): Promise<{ registered: boolean; standing: string | undefined }> {
  const [registration, request] = [registrationKey(prefixes, instance), maintenanceKey(prefixes, instance)];
  const found = await store.read([registration, request], signal);
  return { registered: found.has(registration), standing: found.get(request)?.value };
}

function about(value: string): string {
  const text = describeMaintenance(decodeMaintenance(value));
  return text === '' ? '' : ` ${text}`;
}

async function unregistered({ service, address }: Instance, session: EtcdSession): Promise<Error> {
  const prefix = `${session.prefixes.services}${service}/`;
  const others = (await session.store.list(prefix, session.signal)).map(({ key }) =>
    key.slice(prefix.length),
  );
  return nothingFound(
    `${service} ${address} is not registered: nothing was asked for`,
    others.length > 0
      ? `registered as ${service} are ${listed(others)}`
      : `nothing is registered as ${service}`,
    others.length > 0 ? '' : hintFor(service, await watchersAt(session)),
    'to have it drained as soon as it registers: --force',
  );
}

async function follow(
  instance: Instance,
  revision: number,
  timeout: number,
  { session, out }: { readonly session: EtcdSession; readonly out: NodeJS.WritableStream },
): Promise<number> {
  const name = `${instance.service} ${instance.address}`;
  let waitingFor: readonly string[] = [];
  const tell = (progress: DrainProgress) => {
    waitingFor = progress.waitingFor;
    if (!progress.done) say(out, describe(progress));
  };
  const order = {
    out,
    timeout,
    what: () => (waitingFor.length > 0 ? listed(waitingFor) : 'etcd to show the watchers'),
    otherwise: `the request stands: ${name} is drained all the same, until: sidekick undrain ${name}`,
  };
  const { acknowledged, registered } = await waiting(order, session.signal, (limited) =>
    followDrain(instance, revision, session, tell, limited),
  );
  if (!registered) {
    say(out, `${name} is no longer registered: there is nothing left to drain`);
    return 0;
  }
  if (acknowledged.length > 0) {
    say(out, `${name} has been taken out by ${listed(acknowledged)}`);
    return 0;
  }
  const hint = hintFor(instance.service, await watchersAt(session));
  throw nothingFound(
    `no running watcher drives ${instance.service}: nobody has taken ${name} out`,
    hint,
    order.otherwise,
  );
}

function describe({ acknowledged, waitingFor }: DrainProgress): string {
  const out = acknowledged.length > 0 ? `; taken out by ${listed(acknowledged)}` : '';
  return `waiting for ${listed(waitingFor)}${out}`;
}
