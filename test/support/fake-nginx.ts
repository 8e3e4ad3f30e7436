/** An NGINX Plus API in memory: the behaviour that the contract suite pins down, and faults that a test switches on. */
import type { Address } from '../../src/core/address.js';
import { NginxError } from '../../src/core/errors.js';
import type {
  ActualServer,
  NginxApi,
  NginxIdentity,
  PeerTraffic,
  TrafficApi,
  UpstreamState,
} from '../../src/core/ports.js';
import { DEFAULT_PARAMETERS, type ServerParameters } from '../../src/core/server-parameters.js';
import { type UpstreamId, type UpstreamRef, upstreamId, upstreamRef } from '../../src/core/upstream.js';

/** One call, as hooks see it. */
export interface FakeCall {
  readonly method:
    | 'identity'
    | 'upstreams'
    | 'upstream'
    | 'traffic'
    | 'server'
    | 'add'
    | 'update'
    | 'drain'
    | 'remove';
  readonly ref?: UpstreamRef;
  readonly address?: Address;
  readonly id?: number;
}

/**
 * What happens to a call instead of an answer: an error before it takes effect or after, or a wait first.
 * `hold` keeps the call back until it resolves; it takes effect after that.
 */
export interface FakeFault {
  readonly before?: NginxError;
  readonly after?: NginxError;
  readonly hold?: Promise<void>;
  /** Happens right after the call took effect, before its answer arrives. */
  readonly afterwards?: () => void;
}

interface Server {
  id: number;
  address: Address;
  parameters: ServerParameters;
  draining: boolean;
  active: number;
  /** Requests or sessions that it was given. */
  total: number;
  failing: boolean;
}

interface Group {
  servers: Server[];
  nextId: number;
  unmanaged: number;
  capacity: number;
}

interface FakeNginxOptions {
  readonly name?: string;
  readonly http?: readonly string[];
  readonly stream?: readonly string[];
  /** Whether servers outlive `restart`, as with a `state` file; default false. */
  readonly stateFile?: boolean;
}

export class FakeNginx implements NginxApi, TrafficApi {
  readonly name: string;
  readonly #groups = new Map<UpstreamId, Group>();
  readonly #stateFile: boolean;
  #generation = 1;
  #pid = 100;
  #loads = 1;
  #up = true;
  /** What it says that it was built as. */
  build = '';
  /** Every call that reached it, in order. */
  readonly calls: FakeCall[] = [];
  /** Asked for each call; what it returns happens to the call. */
  fault: (call: FakeCall) => FakeFault | undefined = () => undefined;
  /** Told after each change of a group by a call, for invariants. */
  changed: (ref: UpstreamRef, call: FakeCall) => void = () => {};

  constructor({ name = 'nginx', http = [], stream = [], stateFile = false }: FakeNginxOptions = {}) {
    this.name = name;
    this.#stateFile = stateFile;
    for (const group of http) this.#create({ kind: 'http', name: group });
    for (const group of stream) this.#create({ kind: 'stream', name: group });
  }

  // --- what a test does to it -------------------------------------------------------------------------------------

  /** The servers of a group, in the order of their ids. */
  servers(ref: UpstreamRef): readonly Readonly<Server>[] {
    return this.#group(ref).servers.map((server) => ({ ...server }));
  }

  addresses(ref: UpstreamRef): readonly Address[] {
    return this.#group(ref).servers.map(({ address }) => address);
  }

  groups(): readonly UpstreamRef[] {
    return [...this.#groups.keys()].map(upstreamRef);
  }

  find(ref: UpstreamRef, address: Address): Readonly<Server> | undefined {
    return this.#group(ref).servers.find((server) => server.address === address);
  }

  /** Sets open sessions, all sessions so far, or failed health checks of every server with this address. */
  set(
    ref: UpstreamRef,
    address: Address,
    state: Partial<Pick<Server, 'active' | 'total' | 'failing'>>,
  ): void {
    for (const server of this.#group(ref).servers) {
      if (server.address === address) Object.assign(server, state);
    }
  }

  /** Gives a request or session to the server with the fewest; what it returns ends it. */
  begin(ref: UpstreamRef): () => void {
    const [server] = this.#group(ref).servers.toSorted((a, b) => a.total - b.total);
    if (!server) throw new Error(`${ref.name} has no server`);
    server.active++;
    server.total++;
    return () => server.active--;
  }

  /** Puts a server in as somebody else would. */
  place(ref: UpstreamRef, address: Address, parameters: Partial<ServerParameters> = {}): Readonly<Server> {
    const group = this.#group(ref);
    const server = {
      id: group.nextId++,
      address,
      parameters: { ...DEFAULT_PARAMETERS, ...parameters },
      draining: false,
      active: 0,
      total: 0,
      failing: false,
    };
    group.servers.push(server);
    return server;
  }

  /** Does what the API allows anybody to do to every server with this address. */
  meddle(ref: UpstreamRef, address: Address, how: 'drain' | 'down' | 'up' | 'remove'): void {
    const group = this.#group(ref);
    if (how === 'remove') group.servers = group.servers.filter((server) => server.address !== address);
    for (const server of group.servers.filter((each) => each.address === address)) {
      server.draining = how === 'drain' && ref.kind === 'http';
      const down = how === 'down' || (how === 'drain' && ref.kind === 'stream');
      server.parameters = { ...server.parameters, down };
    }
  }

  setCapacity(ref: UpstreamRef, servers: number): void {
    this.#group(ref).capacity = servers;
  }

  setForeign(ref: UpstreamRef, count: number): void {
    this.#group(ref).unmanaged = count;
  }

  addGroup(ref: UpstreamRef): void {
    this.#create(ref);
    this.reload();
  }

  removeGroup(ref: UpstreamRef): void {
    this.#groups.delete(upstreamId(ref));
    this.reload();
  }

  /** A new configuration: servers stay (as with a `state` file or the gateway), ids begin at 0 again. */
  reload(): void {
    this.#generation++;
    this.#loads++;
    for (const group of this.#groups.values()) renumber(group);
  }

  /** The process ends and another begins; without a state file all servers are gone. */
  restart(): void {
    this.#generation = 1;
    this.#pid++;
    this.#loads++;
    for (const group of this.#groups.values()) {
      if (!this.#stateFile) group.servers = [];
      for (const server of group.servers) Object.assign(server, { active: 0, total: 0 });
      renumber(group);
    }
    this.#up = true;
  }

  /** Nothing answers any more, until `restart`, or `answer` where it was only the network. */
  stop(): void {
    this.#up = false;
  }

  answer(): void {
    this.#up = true;
  }

  /** How many calls of a method were made. */
  count(method: FakeCall['method']): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  // --- NginxApi ---------------------------------------------------------------------------------------------------

  /** What it says of itself at this moment. */
  get currentIdentity(): NginxIdentity {
    return {
      generation: this.#generation,
      pid: this.#pid,
      loadTimestamp: `load ${this.#loads}`,
      version: 'fake',
      build: this.build,
    };
  }

  identity(signal: AbortSignal): Promise<NginxIdentity> {
    return this.#call({ method: 'identity' }, signal, () => this.currentIdentity);
  }

  upstreams(kind: UpstreamRef['kind'], signal: AbortSignal): Promise<readonly string[]> {
    return this.#call({ method: 'upstreams' }, signal, () => {
      const prefix = `${kind}/`;
      const ids = [...this.#groups.keys()].filter((id) => id.startsWith(prefix));
      return ids.map((id) => id.slice(prefix.length)).sort();
    });
  }

  upstream(
    ref: UpstreamRef,
    signal: AbortSignal,
    countersOf?: (servers: readonly ActualServer[]) => ReadonlySet<number>,
  ): Promise<UpstreamState> {
    return this.#call({ method: 'upstream', ref }, signal, () => {
      const { servers, unmanaged } = this.#group(ref);
      const configured = servers.map(shown);
      const counted = countersOf?.(configured);
      const isCounted = ({ id }: ActualServer) => counted?.has(id) ?? true;
      return { unmanaged, servers: servers.map((server) => (isCounted(server) ? listed : shown)(server)) };
    });
  }

  traffic(ref: UpstreamRef, signal: AbortSignal): Promise<ReadonlyMap<Address, PeerTraffic>> {
    return this.#call({ method: 'traffic', ref }, signal, () => {
      const counters = new Map<Address, Required<PeerTraffic>>();
      for (const { address, active, total } of this.#group(ref).servers) {
        const before = counters.get(address) ?? { active: 0, total: 0 };
        counters.set(address, { active: before.active + active, total: before.total + total });
      }
      return counters;
    });
  }

  server(ref: UpstreamRef, id: number, signal: AbortSignal): Promise<ActualServer> {
    return this.#call({ method: 'server', ref, id }, signal, () => shown(serverOf(this.#group(ref), id)));
  }

  add(
    ref: UpstreamRef,
    address: Address,
    parameters: ServerParameters,
    signal: AbortSignal,
  ): Promise<ActualServer> {
    return this.#change({ method: 'add', ref, address }, ref, signal, (group) => {
      if (group.servers.length >= group.capacity) throw refuse('UpstreamOutOfMemory', 400);
      const { route, ...common } = parameters;
      return shown(this.place(ref, address, ref.kind === 'http' ? { ...common, route } : common));
    });
  }

  update(
    ref: UpstreamRef,
    id: number,
    changes: Partial<ServerParameters>,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#change({ method: 'update', ref, id }, ref, signal, (group) => {
      const server = serverOf(group, id);
      const { backup } = changes;
      if (backup !== undefined && backup !== server.parameters.backup) {
        throw refuse('UpstreamConfFormatError', 400);
      }
      if (changes.down !== undefined) server.draining = false;
      server.parameters = { ...server.parameters, ...changes };
    });
  }

  drain(ref: UpstreamRef, id: number, signal: AbortSignal): Promise<void> {
    return this.#change({ method: 'drain', ref, id }, ref, signal, (group) => {
      const server = serverOf(group, id);
      if (ref.kind === 'http') server.draining = true;
      else server.parameters = { ...server.parameters, down: true };
    });
  }

  remove(ref: UpstreamRef, id: number, signal: AbortSignal): Promise<void> {
    return this.#change({ method: 'remove', ref, id }, ref, signal, (group) => {
      group.servers.splice(group.servers.indexOf(serverOf(group, id)), 1);
    });
  }

  // --- inside -----------------------------------------------------------------------------------------------------

  #change<T>(call: FakeCall, ref: UpstreamRef, signal: AbortSignal, change: (group: Group) => T): Promise<T> {
    return this.#call(call, signal, () => {
      const answer = change(this.#group(ref));
      this.changed(ref, call);
      return answer;
    });
  }

  /** A call takes effect at once, unless it is held; its answer never comes within the caller's own turn. */
  async #call<T>(call: FakeCall, signal: AbortSignal, answer: () => T): Promise<T> {
    signal.throwIfAborted();
    const fault = this.fault(call);
    if (fault?.hold) await fault.hold;
    signal.throwIfAborted();
    if (!this.#up) {
      await Promise.resolve();
      throw new NginxError('UNREACHABLE', 'the fake NGINX is down');
    }
    if (fault?.before) throw fault.before;
    this.calls.push(call);
    const result = answer();
    fault?.afterwards?.();
    await Promise.resolve();
    if (fault?.after) throw fault.after;
    return result;
  }

  #create(ref: UpstreamRef): void {
    const empty = { servers: [], nextId: 0, unmanaged: 0, capacity: Number.POSITIVE_INFINITY };
    this.#groups.set(upstreamId(ref), empty);
  }

  #group(ref: UpstreamRef): Group {
    const group = this.#groups.get(upstreamId(ref));
    if (!group) throw refuse('UpstreamNotFound', 404);
    return group;
  }
}

/** A server as the API lists it with its peers. */
function listed(server: Server): ActualServer {
  return { ...shown(server), active: server.active, failing: server.failing };
}

/** A server as the API shows it when it is asked for alone: without its counters. */
function shown({ id, address, parameters, draining }: Server): ActualServer {
  return { id, address, parameters, draining, failing: false };
}

function renumber(group: Group): void {
  group.nextId = 0;
  for (const server of group.servers) server.id = group.nextId++;
}

function serverOf(group: Group, id: number): Server {
  const server = group.servers.find((candidate) => candidate.id === id);
  if (!server) throw refuse('UpstreamServerNotFound', 404);
  return server;
}

function refuse(code: string, status: number): NginxError {
  return new NginxError(code, `the fake NGINX refuses: ${code}`, { status });
}
