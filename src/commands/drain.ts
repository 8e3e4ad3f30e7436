import type { drainScope } from '../config/operator.js';
import { type Instance, maintenanceKey, registrationKey } from '../core/keys.js';
import { decodeMaintenance, describeMaintenance } from '../core/maintenance.js';
import { type DrainProgress, followDrain, requestDrain } from '../daemon/drain/operator.js';
import type { InvocationOf } from './command.js';
import { readLiveWatchers, undrivenHint } from './live-watchers.js';
import { nameList, notFound } from './not-found.js';
import { printJson } from './print-json.js';
import { printLines } from './print-lines.js';
import { waitWithProgress } from './wait-with-progress.js';
import { type EtcdSession, instanceOf, operatorName, withEtcd } from './with-etcd.js';

/**
 * `sidekick drain`. Resolves to 0 once the request is in etcd, and with --wait once every watcher has acknowledged it.
 * Rejects if the instance is not registered, and with --wait if no watcher drains it in time.
 */
export async function drain(invocation: InvocationOf<typeof drainScope>): Promise<number> {
  const { config, args, sources } = invocation;
  const { wait, force, reason, timeout, json } = config.values;
  // With --json the result alone goes to the standard output.
  const out = json ? invocation.err : invocation.out;
  const instance = instanceOf(args);
  const name = `${instance.service} ${instance.address}`;
  const undo = `sidekick undrain ${name}`;
  return withEtcd(invocation, async (session) => {
    const { registered, earlier } = await lookUp(instance, session);
    if (!registered && !force) throw await unregistered(instance, session);
    if (earlier !== undefined) printLines(out, `${name} is being drained already${about(earlier)}`);
    const request = {
      by: operatorName(sources.env),
      at: new Date().toISOString(),
      ...(reason && { reason }),
    };
    const revision = await requestDrain(instance, request, session, session.signal);
    if (registered) printLines(out, `draining ${name}, until: ${undo}`);
    else {
      const text = `${name} is not registered; it will be drained as soon as it registers, until: ${undo}`;
      printLines(out, text);
    }
    const followed =
      registered && wait ? await follow(instance, revision, timeout, { session, out }) : undefined;
    if (json) printJson(invocation.out, { ...instance, ...request, registered, ...followed });
    return 0;
  });
}

async function lookUp(
  instance: Instance,
  { store, prefixes, signal }: EtcdSession,
): Promise<{ registered: boolean; earlier: string | undefined }> {
  const [registration, request] = [registrationKey(prefixes, instance), maintenanceKey(prefixes, instance)];
  const found = await store.read([registration, request], signal);
  return { registered: found.has(registration), earlier: found.get(request)?.value };
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
  return notFound(
    `${service} ${address} is not registered: nothing was changed`,
    others.length > 0 ? `the instances of ${service} are ${nameList(others)}` : `${service} has no instances`,
    others.length > 0 ? '' : undrivenHint(service, await readLiveWatchers(session)),
    'use --force to drain it as soon as it registers',
  );
}

/** Waits until every watcher has acknowledged the drain, and says so. */
async function follow(
  instance: Instance,
  revision: number,
  timeout: number,
  { session, out }: { readonly session: EtcdSession; readonly out: NodeJS.WritableStream },
): Promise<{ readonly registered: boolean; readonly acknowledged: readonly string[] }> {
  const name = `${instance.service} ${instance.address}`;
  let waitingFor: readonly string[] = [];
  const onProgress = (progress: DrainProgress) => {
    waitingFor = progress.waitingFor;
    if (!progress.done) printLines(out, describe(progress));
  };
  const wait = {
    out,
    timeout,
    what: () => (waitingFor.length > 0 ? nameList(waitingFor) : 'etcd'),
    otherwise: `the drain of ${name} goes on, until: sidekick undrain ${name}`,
  };
  const { acknowledged, registered } = await waitWithProgress(wait, session.signal, (limited) =>
    followDrain(instance, revision, session, onProgress, limited),
  );
  if (!registered) {
    printLines(out, `${name} is no longer registered: there is nothing to drain`);
    return { registered, acknowledged };
  }
  if (acknowledged.length > 0) {
    printLines(out, `${name} has been drained and removed by ${nameList(acknowledged)}`);
    return { registered, acknowledged };
  }
  const hint = undrivenHint(instance.service, await readLiveWatchers(session));
  throw notFound(
    `no running watcher drives ${instance.service}: nothing has drained ${name}`,
    hint,
    wait.otherwise,
  );
}

function describe({ acknowledged, waitingFor }: DrainProgress): string {
  const out = acknowledged.length > 0 ? `; drained and removed by ${nameList(acknowledged)}` : '';
  return `waiting for ${nameList(waitingFor)}${out}`;
}
