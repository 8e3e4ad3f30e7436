import { isObject } from '../../core/bounded-json.js';
import { NginxError } from '../../core/errors.js';
import type { ActualServer, KeyvalApi, NginxApi, NginxIdentity, TrafficApi } from '../../core/ports.js';
import { nonDefault } from '../../core/server-parameters.js';
import type { UpstreamRef } from '../../core/upstream.js';
import { readReport } from '../../firmware/outcomes.js';
import type { OutcomeSource } from '../../firmware/ports.js';
import { besideApi } from './location.js';
import type { NginxApiOptions } from './options.js';
import { type PeersReader, statusReader, trafficReader } from './peers-reader.js';
import { ServerReader, UNMANAGED, wireParameters } from './server-codec.js';
import { type ReadServers, ServersReader } from './servers-reader.js';
import { createTransport } from './transport.js';

/** The error object has had its shape since version 4; the write contract is that of version 9. */
const OLDEST_VERSION = 4;
const NEWEST_VERSION = 9;

/** A client of one NGINX Plus API, and what its owner does with it. */
export interface NginxClient extends NginxApi, KeyvalApi, TrafficApi, OutcomeSource {
  /** Takes other options but for the name: calls from now on go over new connections with them. */
  renew(options: NginxApiOptions): void;
  /** Ends its connections. */
  close(): Promise<void>;
}

/** A client of one NGINX Plus API, or of the gateway, which speaks the same. */
export function createNginxApi(options: NginxApiOptions): NginxClient {
  let transport = createTransport(options);
  let outcomes = outcomeTransport(options);
  let version: number | undefined;
  const serverReader = new ServerReader();
  /** What was last read of each group, for as long as somebody knows the group. */
  const lastRead = new WeakMap<UpstreamRef, ReadServers>();

  /** @param ask Is given the version's root. */
  async function inVersion<T>(signal: AbortSignal, ask: (root: string) => Promise<T>): Promise<T> {
    version ??= bestVersion(await transport.call('GET', '/', signal));
    try {
      return await ask(`/${version}`);
    } catch (error) {
      // Another NGINX answers now, which wants its version looked up again.
      if (error instanceof NginxError && error.code === 'UnknownVersion') version = undefined;
      throw error;
    }
  }

  function get(path: string, signal: AbortSignal): Promise<unknown> {
    return inVersion(signal, (root) => transport.call('GET', root + path, signal));
  }

  /** Makes a change. What NGINX answers to it is not read. */
  function change(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<void> {
    return inVersion(signal, (root) => transport.change({ method, path: root + path, body }, signal));
  }

  /** Reads the servers of a group. Most are as they were at the last read: those are not read again. */
  async function servers(ref: UpstreamRef, signal: AbortSignal): Promise<ReadServers> {
    const path = `${groupPath(ref)}/servers/`;
    const reader = () => new ServersReader(serverReader, lastRead.get(ref));
    const read = await inVersion(signal, (root) => transport.list(root + path, signal, { at: 1, reader }));
    if (!read) throw badAnswer('the servers of the group are not as NGINX lists them');
    lastRead.set(ref, read);
    return read;
  }

  /** One server; undefined where the answer is none, or one that is not sidekick's. */
  async function managedServer(
    request: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: unknown },
    signal: AbortSignal,
  ): Promise<ActualServer | undefined> {
    const server = await inVersion(signal, (root) =>
      transport.read({ ...request, path: root + request.path }, signal, (text, parse) =>
        serverReader.read(text, parse),
      ),
    );
    return server === UNMANAGED ? undefined : server;
  }

  async function peers<T>(ref: UpstreamRef, signal: AbortSignal, reader: () => PeersReader<T>): Promise<T> {
    const path = `${groupPath(ref)}/?fields=peers`;
    const read = await inVersion(signal, (root) => transport.list(root + path, signal, { at: 2, reader }));
    if (!read) throw badAnswer('the peers of the group are not as NGINX lists them');
    return read;
  }

  return {
    name: options.name,

    async identity(signal) {
      return readIdentity(await get('/nginx', signal));
    },

    async upstreams(kind, signal) {
      try {
        // Only the names are wanted; `fields` keeps the statistics of every server out of the answer.
        const groups = await get(`/${kind}/upstreams/?fields=zone`, signal);
        if (!isObject(groups)) throw badAnswer('upstreams is not an object');
        return Object.keys(groups).sort();
      } catch (error) {
        if (error instanceof NginxError && error.code === 'PathNotFound') return [];
        throw error;
      }
    },

    async upstream(ref, signal, countersOf = idsOf) {
      const state = await servers(ref, signal);
      const ids = countersOf(state.servers);
      if (ids.size === 0) return { servers: state.servers, unmanaged: state.unmanaged };
      const statuses = await peers(ref, signal, () => statusReader(ids));
      const withCounters = state.servers.map((server) => {
        const status = statuses.get(server.id);
        return status ? { ...server, ...status } : server;
      });
      return { servers: withCounters, unmanaged: state.unmanaged };
    },

    traffic(ref, signal) {
      return peers(ref, signal, trafficReader);
    },

    async server(ref, id, signal) {
      const server = await managedServer({ method: 'GET', path: `${groupPath(ref)}/servers/${id}` }, signal);
      if (!server) throw badAnswer('the server is not as NGINX shows it');
      return server;
    },

    add(ref, address, parameters, signal) {
      const body = { server: address, ...wireParameters(ref.kind, nonDefault(parameters)) };
      return managedServer({ method: 'POST', path: `${groupPath(ref)}/servers/`, body }, signal);
    },

    async update(ref, id, changes, signal) {
      await change('PATCH', `${groupPath(ref)}/servers/${id}`, signal, wireParameters(ref.kind, changes));
    },

    async drain(ref, id, signal) {
      const body = ref.kind === 'http' ? { drain: true } : { down: true };
      await change('PATCH', `${groupPath(ref)}/servers/${id}`, signal, body);
    },

    async remove(ref, id, signal) {
      await change('DELETE', `${groupPath(ref)}/servers/${id}`, signal);
    },

    async keyvals(zone, signal) {
      try {
        return readKeyvals(await get(keyvalPath(zone), signal));
      } catch (error) {
        if (hasCode(error, 'KeyvalNotFound', 'PathNotFound')) return undefined;
        throw error;
      }
    },

    async setKeyval(zone, key, value, signal) {
      // There is no upsert. The key exists more often than not.
      try {
        await change('PATCH', keyvalPath(zone), signal, { [key]: value });
      } catch (error) {
        if (!hasCode(error, 'KeyvalKeyNotFound')) throw error;
        await change('POST', keyvalPath(zone), signal, { [key]: value });
      }
    },

    async removeKeyval(zone, key, signal) {
      try {
        await change('PATCH', keyvalPath(zone), signal, { [key]: null });
      } catch (error) {
        if (!hasCode(error, 'KeyvalKeyNotFound')) throw error;
      }
    },

    async outcomes(signal) {
      try {
        const report = readReport(await outcomes.call('GET', '', signal));
        if (report.ok) return report.value;
        throw badAnswer(`the report of outcomes is not as it should be: ${report.reason}`);
      } catch (error) {
        if (error instanceof NginxError && error.status === 404) return undefined;
        throw error;
      }
    },

    renew(next) {
      const before = [transport, outcomes];
      transport = createTransport(next);
      outcomes = outcomeTransport(next);
      version = undefined;
      for (const one of before) one.retire().catch(() => undefined);
    },

    async close() {
      await Promise.all([transport.close(), outcomes.close()]);
    },
  };
}

/** The most bytes of a report of outcomes: some hundred for each type and release. */
const MAX_REPORT = 4 * 1024 * 1024;

/** Calls for the report of outcomes, which is beside the API: one at a time, over a connection of its own. */
function outcomeTransport(options: NginxApiOptions): ReturnType<typeof createTransport> {
  const url = besideApi(options.url, '/firmware/outcomes');
  return createTransport({ ...options, url, connections: 1 }, MAX_REPORT);
}

function idsOf(servers: readonly ActualServer[]): ReadonlySet<number> {
  return new Set(servers.map(({ id }) => id));
}

function groupPath({ kind, name }: UpstreamRef): string {
  return `/${kind}/upstreams/${encodeURIComponent(name)}`;
}

function keyvalPath(zone: string): string {
  return `/http/keyvals/${encodeURIComponent(zone)}`;
}

function readKeyvals(answer: unknown): ReadonlyMap<string, string> {
  if (!isObject(answer)) throw badAnswer('the keyval zone is not an object');
  return new Map(Object.entries(answer).map(([key, value]) => [key, String(value)]));
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof NginxError && codes.includes(error.code);
}

function bestVersion(answer: unknown): number {
  const versions = Array.isArray(answer) ? answer.filter((item) => typeof item === 'number') : [];
  const usable = versions.filter((item) => item >= OLDEST_VERSION && item <= NEWEST_VERSION);
  if (usable.length > 0) return usable.reduce((newest, version) => Math.max(newest, version));
  if (!Array.isArray(answer)) {
    throw badAnswer(
      "the answer is not the list of the API's versions: is the URL that of the API's root, without a version?",
    );
  }
  const listed = versions.slice(0, 16).join(', ');
  throw badAnswer(`no API version from ${OLDEST_VERSION} to ${NEWEST_VERSION} among [${listed}]`);
}

/**
 * `ppid` is the master process. `pid`, which the API also gives, is whichever worker answered: with several workers
 * it changes from call to call and says nothing.
 */
function readIdentity(answer: unknown): NginxIdentity {
  if (!isObject(answer) || typeof answer.generation !== 'number') throw badAnswer('nginx has no generation');
  return {
    generation: answer.generation,
    pid: typeof answer.ppid === 'number' ? answer.ppid : 0,
    loadTimestamp: text(answer.load_timestamp),
    build: text(answer.build),
    version: text(answer.version),
  };
}

function badAnswer(message: string): NginxError {
  return new NginxError('BAD_ANSWER', message);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 128) : '';
}
