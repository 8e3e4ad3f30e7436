import { createSemaphore, type Semaphore } from '../../async/semaphore.js';
import { desiredServers, type RegistrationLookup } from '../../core/desired.js';
import { messageOf } from '../../core/errors.js';
import { type MappingProblem, mapServices } from '../../core/mapping.js';
import { type Action, IMMUTABLE_PARAMETERS, type Plan } from '../../core/plan.js';
import {
  isGateway,
  type NginxApi,
  type NginxIdentity,
  type RegistryReader,
  type RegistrySnapshot,
} from '../../core/ports.js';
import { Registrations } from '../../core/registrations.js';
import type { Kind, UpstreamRef } from '../../core/upstream.js';
import { upstreamRef } from '../../core/upstream.js';
import { newGuard, stepGuard } from './guard-tracker.js';
import type { WatcherOptions, WatcherPorts } from './options.js';
import { planInput } from './plan-input.js';
import { type PassResult, reconcile } from './reconcile.js';
import { rulesOf } from './registration-tracker.js';
import { readTopology } from './topology.js';
import { watchedPrefixes } from './watcher.js';

/** What one look at everything came to. */
export interface RunOnceReport {
  /** Every NGINX now equals etcd, but for what the guard holds. A drain that is not over yet is a difference. */
  readonly matches: boolean;
  readonly nginx: readonly RunOnceNginx[];
}

export interface RunOnceNginx {
  readonly name: string;
  /** Why it could not be read. */
  readonly error?: string;
  readonly problems: readonly MappingProblem[];
  readonly upstreams: readonly RunOnceUpstream[];
}

export interface RunOnceUpstream {
  readonly kind: Kind;
  readonly name: string;
  /** What was done, or with `dryRun` would have been. */
  readonly actions: readonly Action[];
  readonly errors: readonly string[];
  readonly matches: boolean;
}

/** The parts of the ports that one look needs. */
export type RunOncePorts = Pick<WatcherPorts, 'reader' | 'nginx' | 'healthCheck' | 'ownAddresses' | 'clock'>;

/**
 * Reads etcd once and makes one pass over every upstream of every NGINX; with `dryRun` it only says what that pass would
 * do, and writes nothing anywhere. Waits for an etcd that is away; rejects only when the signal is aborted.
 */
export async function runOnce(
  options: WatcherOptions,
  ports: RunOncePorts,
  { dryRun }: { readonly dryRun: boolean },
  signal: AbortSignal,
): Promise<RunOnceReport> {
  const view = await firstView(ports.reader, watchedPrefixes(options), signal);
  const registrations = new Registrations(
    options.prefixes,
    rulesOf(options, (await ports.ownAddresses?.()) ?? []),
  );
  registrations.apply(view);
  const nginx = await Promise.all(
    ports.nginx.map((api) => onceNginx({ options, ports, registrations, dryRun }, api, signal)),
  );
  const matches = nginx.every(
    ({ error, upstreams }) => error === undefined && upstreams.every((upstream) => upstream.matches),
  );
  return { matches, nginx };
}

interface Look {
  readonly options: WatcherOptions;
  readonly ports: RunOncePorts;
  readonly registrations: Registrations;
  readonly dryRun: boolean;
}

async function firstView(
  reader: RegistryReader,
  prefixes: readonly string[],
  signal: AbortSignal,
): Promise<RegistrySnapshot> {
  const enough = new AbortController();
  const abort = () => enough.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  let first: RegistrySnapshot | undefined;
  const observer = {
    onSnapshot: (view: RegistrySnapshot) => {
      first ??= view;
      enough.abort();
    },
    onUnavailable: () => {},
  };
  try {
    await reader.watch(prefixes, observer, enough.signal);
  } finally {
    signal.removeEventListener('abort', abort);
  }
  signal.throwIfAborted();
  if (!first) throw new Error('etcd was followed to the end without a view');
  return first;
}

async function onceNginx(look: Look, api: NginxApi, signal: AbortSignal): Promise<RunOnceNginx> {
  const { options, registrations } = look;
  const gate = createSemaphore(options.timing.concurrency);
  try {
    const identity = await api.identity(signal);
    const { topology, failed } = await readTopology(api, undefined, signal);
    const mapping = mapServices(registrations.services, options.upstreams, topology);
    const upstreams = await Promise.all(
      [...mapping.feeds].map(([id, services]) =>
        onceUpstream(look, { api, gate, identity, ref: upstreamRef(id), services }, signal),
      ),
    );
    const [error] = failed.values();
    return {
      name: api.name,
      ...(error ? { error: error.message } : {}),
      problems: mapping.problems,
      upstreams,
    };
  } catch (error) {
    signal.throwIfAborted();
    return { name: api.name, error: messageOf(error), problems: [], upstreams: [] };
  }
}

interface Target {
  readonly api: NginxApi;
  readonly gate: Semaphore;
  readonly identity: NginxIdentity;
  readonly ref: UpstreamRef;
  readonly services: readonly string[];
}

async function onceUpstream(look: Look, target: Target, signal: AbortSignal): Promise<RunOnceUpstream> {
  const { ref } = target;
  try {
    const { plan, outcomes } = await onePass(look, target, look.dryRun, signal);
    const proof = look.dryRun ? plan : (await onePass(look, target, true, signal)).plan;
    return {
      ...ref,
      actions: look.dryRun ? plan.actions : outcomes.map(({ action }) => action),
      errors: outcomes.flatMap(({ action, error }) =>
        error ? [`${action.type} ${action.address}: ${error.message}`] : [],
      ),
      matches: isMet(proof),
    };
  } catch (error) {
    signal.throwIfAborted();
    return { ...ref, actions: [], errors: [messageOf(error)], matches: false };
  }
}

function isMet({ actions, deferred, drains }: Plan): boolean {
  return actions.length === 0 && deferred.length === 0 && drains.size === 0;
}

function onePass(look: Look, target: Target, dryRun: boolean, signal: AbortSignal): Promise<PassResult> {
  const { options, ports } = look;
  const desired = desiredServers(look.registrations satisfies RegistrationLookup, target.services);
  const unchecked = isGateway(target.identity.build) ? target.ref.kind : undefined;
  // Nobody has probed anything yet: what is down stays so where a running watcher may have found it dead.
  const probed = target.services.some((service) =>
    [...desired.keys()].some((address) => ports.healthCheck?.({ service, address }, unchecked)),
  );
  return reconcile(
    {
      ...target,
      dryRun,
      isRefused: () => false,
      version: () => 0,
      wanted: ({ servers }) => {
        const now = ports.clock();
        return planInput({
          ref: target.ref,
          options,
          servers,
          desired,
          health: probed ? () => 'unknown' : undefined,
          held: stepGuard(newGuard(servers), desired, options.guard, now).held.keys(),
          // A single pass cannot wait: what is gone is gone.
          graced: new Set(),
          drains: new Map(),
          immutable: IMMUTABLE_PARAMETERS,
          full: false,
          now,
        });
      },
    },
    signal,
  );
}
