import { deriveAbort } from '../../async/abort.js';
import { messageOf } from '../../core/errors.js';
import type { MappingProblem } from '../../core/mapping.js';
import type { Action, Plan } from '../../core/plan.js';
import type { Log, Meter, NginxApi, RegistryReader, RegistrySnapshot } from '../../core/ports.js';
import { Registrations } from '../../core/registrations.js';
import type { Kind } from '../../core/upstream.js';
import type { WatcherDeps } from './deps.js';
import { NginxController } from './nginx-controller.js';
import { type WatcherOptions, type WatcherPorts, watchedPrefixes } from './options.js';
import { registrationRules } from './registration-tracker.js';
import type { UpstreamWorker } from './upstream-worker.js';

/** What one pass over everything came to. */
export interface RunOnceReport {
  /** Every NGINX is in sync with etcd now, but for what the guard holds. A drain that is not over yet is a difference. */
  readonly inSync: boolean;
  readonly nginx: readonly RunOnceNginx[];
}

export interface RunOnceNginx {
  readonly name: string;
  /** Why it could not be read. */
  readonly error?: string;
  readonly problems: readonly MappingProblem[];
  readonly upstreams: readonly RunOnceUpstream[];
}

interface RunOnceUpstream {
  readonly kind: Kind;
  readonly name: string;
  /** What was done, or with `dryRun` would have been. */
  readonly actions: readonly Action[];
  readonly errors: readonly string[];
  readonly inSync: boolean;
}

/** The parts of the ports that one pass needs. */
export type RunOncePorts = Pick<WatcherPorts, 'reader' | 'nginx' | 'healthCheck' | 'ownAddresses' | 'clock'>;

/** What becomes of the log and the metrics of passes that a report tells of. */
const NO_LOG: Log = { debug() {}, info() {}, warn() {}, error() {} };
const NO_METER: Meter = { count() {}, gauge() {}, observe() {}, remove() {} };

/**
 * Reads etcd once and makes one pass over every upstream of every NGINX; with `dryRun` it only tells what that pass would
 * do, and writes nothing anywhere. Waits for an etcd that is unavailable; rejects only when the signal is aborted.
 */
export async function runOnce(
  options: WatcherOptions,
  ports: RunOncePorts,
  mode: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<RunOnceReport> {
  const snapshot = await firstSnapshot(ports.reader, watchedPrefixes(options), signal);
  const rules = registrationRules(options, (await ports.ownAddresses?.()) ?? []);
  const registrations = new Registrations(options.prefixes, rules);
  registrations.apply(snapshot);
  const nginx = await Promise.all(
    ports.nginx.map((api) => syncNginxOnce(api, { options, ports, registrations }, mode, signal)),
  );
  const inSync = nginx.every(
    ({ error, upstreams }) => error === undefined && upstreams.every((upstream) => upstream.inSync),
  );
  return { inSync, nginx };
}

async function firstSnapshot(
  reader: RegistryReader,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<RegistrySnapshot> {
  const enough = deriveAbort(signal);
  let first: RegistrySnapshot | undefined;
  const listener = {
    onSnapshot: (snapshot: RegistrySnapshot) => {
      first ??= snapshot;
      enough.abort();
    },
    onUnavailable: () => {},
  };
  try {
    await reader.watch(prefixes, listener, enough.signal);
  } finally {
    enough.dispose();
  }
  signal.throwIfAborted();
  if (!first) throw new Error('the watch of etcd ended without a snapshot');
  return first;
}

interface Once {
  readonly options: WatcherOptions;
  readonly ports: RunOncePorts;
  readonly registrations: Registrations;
}

async function syncNginxOnce(
  api: NginxApi,
  { options, ports, registrations }: Once,
  mode: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<RunOnceNginx> {
  // A single pass cannot wait for the end of a grace.
  const withoutGrace = { ...options, guard: { ...options.guard, grace: 0 } };
  const isProbed = (service: string) =>
    [...registrations.get(service).keys()].some((address) =>
      ports.healthCheck?.({ service, address }, controller.needsProbing(service)),
    );
  const deps: WatcherDeps = {
    log: NO_LOG,
    meter: NO_METER,
    clock: ports.clock,
    toWallTime: (at) => at,
    // Nothing has been probed yet: what is down stays down where a running watcher may have found it dead.
    health: {
      lookup: (services) => (services.some(isProbed) ? () => 'unknown' : undefined),
      error: () => undefined,
    },
    options: () => withoutGrace,
    registrations: () => registrations,
    goneCause: () => undefined,
    vanishedSince: () => [],
  };
  const controller = new NginxController(api, deps, { passEnded() {}, mappingChanged() {} });
  const workers = (await controller.connectOnce(signal)) ?? [];
  const upstreams = await Promise.all(workers.map((worker) => syncUpstreamOnce(worker, mode, signal)));
  const { name, error, problems } = controller.status();
  return { name, ...(error === undefined ? {} : { error }), problems, upstreams };
}

async function syncUpstreamOnce(
  worker: UpstreamWorker,
  { dryRun }: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<RunOnceUpstream> {
  try {
    const { plan, outcomes } = await worker.passOnce({ dryRun }, signal);
    const proof = dryRun ? plan : (await worker.passOnce({ dryRun: true }, signal)).plan;
    return {
      ...worker.ref,
      actions: dryRun ? plan.actions : outcomes.map(({ action }) => action),
      errors: outcomes.flatMap(({ action, error }) =>
        error ? [`${action.type} ${action.address}: ${error.message}`] : [],
      ),
      inSync: isInSync(proof),
    };
  } catch (error) {
    signal.throwIfAborted();
    return { ...worker.ref, actions: [], errors: [messageOf(error)], inSync: false };
  }
}

function isInSync({ actions, deferred, drains }: Plan): boolean {
  return actions.length === 0 && deferred.length === 0 && drains.size === 0;
}
