/** What must be true whatever one watcher does, judged by what that watcher knows. */
import type { Address } from '../../../src/core/address.js';
import { type DesiredServers, desiredServers, type Intent } from '../../../src/core/desired.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { isOut } from '../../../src/core/plan.js';
import type {
  ActualServer,
  NginxIdentity,
  RegistrySnapshot,
  UpstreamState,
} from '../../../src/core/ports.js';
import { Registrations } from '../../../src/core/registrations.js';
import { type UpstreamId, type UpstreamRef, upstreamId, upstreamRef } from '../../../src/core/upstream.js';
import { sameIdentity } from '../../../src/daemon/watcher/reconcile.js';
import type { FakeRegistry } from '../fake-registry.js';
import type { Spy } from './severable.js';

interface InspectorContext {
  readonly id: string;
  /** The registry's revision, and a key's; undefined where nobody knows them but the registry itself. */
  readonly registry?: Pick<FakeRegistry, 'revision' | 'get'>;
  /** The servers that a group has at this moment; left out, those that the watcher has last read. */
  readonly servers?: (nginx: string, ref: UpstreamRef) => readonly ActualServer[];
  /** The service that feeds each group. */
  readonly serviceOf: (ref: UpstreamRef) => string;
  /**
   * Whether somebody else has just changed servers of the group while a call of the watcher was held up: between its last
   * look and its call it could not know. Left out: nobody ever does.
   */
  readonly isSurprised?: (nginx: string, ref: UpstreamRef) => boolean;
  /** What an NGINX says of itself at this moment; left out, no reload is an excuse. */
  readonly identity?: (nginx: string) => NginxIdentity | undefined;
  /** Counts what excuses a copy for a while: faults met, reloads, other watchers. */
  readonly disturbances: () => number;
  readonly violation: (text: string) => void;
  /** What must be left alone for a while after its key is gone; left out, it is not looked at. */
  readonly grace?: {
    readonly ms: number;
    /** No probe of it has ever failed. */
    readonly isWell: (address: Address) => boolean;
  };
}

/**
 * A pass that finds a copy removes it, except when NGINX has just restarted and two watchers add what it lost: the first pass
 * still adds, the second finds that the ids are of another life of NGINX, and the third removes the copy.
 */
const MOST_PASSES_WITH_A_COPY = 3;

export class Inspector implements Spy {
  readonly #context: InspectorContext;
  readonly #known = new Registrations(DEFAULT_KEY_PREFIXES);
  #revision = -1;
  readonly #lastRead = new Map<string, readonly ActualServer[]>();
  /** When each server that was to serve vanished from etcd, by group and address. */
  readonly #vanished = new Map<string, number>();
  /** What each NGINX said last of itself, and when. */
  readonly #identified = new Map<string, { readonly identity: NginxIdentity; readonly at: number }>();
  /** The groups of which something was read since their NGINX said who it is: to act upon that, one has to ask again. */
  readonly #readSince = new Set<string>();
  readonly #copies = new Map<string, { passes: number; disturbances: number }>();

  constructor(context: InspectorContext) {
    this.#context = context;
  }

  viewed(view: RegistrySnapshot): void {
    const before = this.#intents();
    this.#known.apply(view);
    const now = this.#intents();
    for (const key of now.keys()) this.#vanished.delete(key);
    for (const [key, intent] of before) {
      if (intent === 'serve' && !now.has(key)) this.#vanished.set(key, performance.now());
    }
    // An operator lets go what there is.
    if ([...view.changed].some((key) => key.includes('/unhold/'))) this.#vanished.clear();
    this.#revision = view.revision;
  }

  takes(nginx: string, ref: UpstreamRef, id: number, how: 'drain' | 'down' | 'remove'): void {
    const group = `${nginx} ${upstreamId(ref)}`;
    const servers = this.#context.servers?.(nginx, ref) ?? this.#lastRead.get(group) ?? [];
    const server = servers.find((each) => each.id === id);
    if (!server || this.#isReloadedSinceAsked(nginx, group)) return;
    const desired = this.#desired(ref);
    const others = servers.filter((each) => each !== server);
    this.#mustNotBeWanted(`${how} of ${server.address} in ${group}`, how, server, others, desired);
    this.#mustNotBeInGrace(`${how} of ${server.address} in ${group}`, ref, server, others);
    const nobodyServes = !isOut(server) && others.every(isOut);
    const someoneShould = [...desired.values()].some(
      ({ intent, parameters }) => intent === 'serve' && !parameters.down,
    );
    const isSurprised = this.#context.isSurprised?.(nginx, ref) ?? false;
    if (nobodyServes && someoneShould && !isSurprised)
      this.#violation(`${how} of ${server.address}, the last that serves ${group}`);
    // What one watcher does in one pass adds up.
    this.#lastRead.set(group, how === 'remove' ? others : [...others, { ...server, draining: true }]);
  }

  identified(nginx: string, identity: NginxIdentity): void {
    this.#identified.set(nginx, { identity, at: performance.now() });
    for (const group of this.#readSince) if (group.startsWith(`${nginx} `)) this.#readSince.delete(group);
  }

  /**
   * Whether NGINX was reloaded between its answer of who it is and the call that the watcher made upon it. The ids mean
   * other servers then; the API has no call that could tell, so no watcher can do better than to ask right before.
   */
  #isReloadedSinceAsked(nginx: string, group: string): boolean {
    const asked = this.#identified.get(nginx);
    const current = this.#context.identity?.(nginx);
    if (!asked || !current || asked.at !== performance.now() || this.#readSince.has(group)) return false;
    return !sameIdentity(asked.identity, current);
  }

  /** Only of what NGINX serves and does not know to be dead; what drained before it vanished was on its way. */
  #mustNotBeInGrace(
    what: string,
    ref: UpstreamRef,
    server: ActualServer,
    others: readonly ActualServer[],
  ): void {
    const { grace, serviceOf } = this.#context;
    const at = this.#vanished.get(`${serviceOf(ref)} ${server.address}`);
    if (!grace || at === undefined || isOut(server) || server.failing) return;
    if (others.some(({ address }) => address === server.address)) return;
    const wanted = this.#desired(ref).get(server.address) !== undefined;
    const gone = performance.now() - at;
    if (!wanted && gone < grace.ms && grace.isWell(server.address)) {
      this.#violation(`${what}, which has been gone for ${gone} ms and is well`);
    }
  }

  /** What etcd wants of each instance, as `service address`. */
  #intents(): ReadonlyMap<string, Intent> {
    const all = [...this.#known.services].flatMap((service) =>
      [...desiredServers(this.#known, [service]).values()].map(({ address, intent }): [string, Intent] => [
        `${service} ${address}`,
        intent,
      ]),
    );
    return new Map(all);
  }

  #mustNotBeWanted(
    what: string,
    how: 'drain' | 'down' | 'remove',
    { address }: { readonly address: Address },
    others: readonly { readonly address: Address }[],
    desired: DesiredServers,
  ): void {
    const wanted = desired.get(address);
    if (!wanted || wanted.intent === 'drain') return;
    // etcd may want it down, and so may the probes.
    if (how === 'down') return;
    if (!others.some((each) => each.address === address)) {
      this.#violation(`${what}, which is to ${wanted.intent}`);
    }
  }

  sees(nginx: string, ref: UpstreamRef, server: ActualServer): void {
    const group = `${nginx} ${upstreamId(ref)}`;
    this.#readSince.add(group);
    const others = (this.#lastRead.get(group) ?? []).filter(({ id }) => id !== server.id);
    this.#lastRead.set(group, [...others, server]);
  }

  /** A copy is one more of an address with the same `backup`: with another one it may be what is being replaced. */
  read(nginx: string, ref: UpstreamRef, { servers }: UpstreamState): void {
    this.#readSince.add(`${nginx} ${upstreamId(ref)}`);
    this.#lastRead.set(`${nginx} ${upstreamId(ref)}`, servers);
    const counts = new Map<string, number>();
    for (const each of servers) counts.set(copyKey(each), (counts.get(copyKey(each)) ?? 0) + 1);
    for (const [copy, count] of counts) {
      const key = `${nginx} ${upstreamId(ref)} ${copy}`;
      const disturbances = this.#context.disturbances();
      const before = this.#copies.get(key);
      const fresh = !before || before.disturbances !== disturbances;
      const passes = count < 2 ? 0 : fresh ? 1 : before.passes + 1;
      this.#copies.set(key, { passes, disturbances });
      if (passes > MOST_PASSES_WITH_A_COPY) this.#violation(`${key} is there twice for ${passes} passes`);
    }
  }

  /** Nobody can promise more than what was last read: somebody else may add a server at any moment. */
  answers(key: string, revision: string): void {
    const [, service = '', address = ''] = /\/drained\/([^/]+)\/([^/]+)\//.exec(key) ?? [];
    const { registry, serviceOf } = this.#context;
    const request = registry?.get(`/services/${service}/${address}`);
    if (!registry || this.#revision !== registry.revision || String(request?.revision) !== revision) return;
    for (const [group, servers] of this.#lastRead) {
      const [, id] = group.split(' ');
      if (serviceOf(upstreamRef(id as UpstreamId)) !== service) continue;
      if (servers.some((each) => each.address === address)) {
        this.#violation(`answered ${key}, with the server last seen in ${group}`);
      }
    }
  }

  #desired(ref: UpstreamRef): DesiredServers {
    return desiredServers(this.#known, [this.#context.serviceOf(ref)]);
  }

  #violation(text: string): void {
    this.#context.violation(`${this.#context.id}: ${text}`);
  }
}

function copyKey({ address, parameters }: ActualServer): string {
  return `${address} backup=${parameters.backup}`;
}
