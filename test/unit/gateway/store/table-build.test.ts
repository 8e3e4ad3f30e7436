/** Also live-table and hash-points, and model/steps: through builds with changes in between. */

import { describe, expect, it } from 'vitest';
import * as failedTries from '../../../../src/gateway/balance/failed-tries.js';
import * as fastPath from '../../../../src/gateway/balance/fast-path.js';
import * as selection from '../../../../src/gateway/balance/selection.js';
import * as tableFormat from '../../../../src/gateway/balance/table-format.js';
import type { Step } from '../../../../src/gateway/model/steps.js';
import * as steps from '../../../../src/gateway/model/steps.js';
import type { UpstreamConfig } from '../../../../src/gateway/store/config.js';
import * as liveTable from '../../../../src/gateway/store/live-table.js';
import * as maintenance from '../../../../src/gateway/store/maintenance.js';
import * as servers from '../../../../src/gateway/store/servers.js';
import * as tableBuild from '../../../../src/gateway/store/table-build.js';
import { fc } from '../../../support/property.js';
import { FakeNginx, peersOf } from '../support/memory.js';

const METHODS: [string, UpstreamConfig][] = [
  ['in turn', {}],
  ['by hash', { method: 'hash' }],
  ['by load', { method: 'least_conn' }],
];

/** An NGINX with a group of many, all of them in its table. */
function start(config: UpstreamConfig, count: number): FakeNginx {
  const nginx = new FakeNginx({ upstreams: { firmware: config } });
  for (let i = 0; i < count; i++) servers.addServer(nginx.worker(), 'firmware', { server: address(i) });
  nginx.settle();
  return nginx;
}

function address(i: number): string {
  return `10.0.${i >> 8}.${i & 255}:80`;
}

/** Where requests go, many enough to come by every server. */
function destinations(nginx: FakeNginx, requests: number): Set<string> {
  const found = new Set<string>();
  for (let i = 0; i < requests; i++) {
    const variables = { pid: '100', upstream: 'firmware', request_uri: `/${i}` };
    const choice =
      fastPath.choose(nginx.tables, nginx.counters, variables) ??
      selection.select(nginx, variables, 'firmware', ',');
    if (choice === undefined) continue;
    found.add(choice[1]);
    nginx.counters.incr(choice[2], -1);
  }
  return found;
}

/** What may happen to a group, and to a build of its tables. Numbers choose one of the servers. */
type Action =
  | 'add'
  | 'crash'
  | { drain: number }
  | { remove: number }
  | { restore: number }
  | { fail: number }
  | { steps: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom('add' as const, 'crash' as const),
  fc.record({ drain: fc.nat() }),
  fc.record({ remove: fc.nat() }),
  fc.record({ restore: fc.nat() }),
  fc.record({ fail: fc.nat() }),
  fc.record({ steps: fc.integer({ min: 1, max: 30 }) }),
);

/** A group of forty, a build of its tables under way now and then, and who should have requests. */
class Crowd {
  readonly nginx: FakeNginx;
  readonly #worker;
  readonly #wanted: Map<number, string>;
  readonly #drained = new Map<number, string>();
  #next = 40;
  #work: Step | undefined;

  constructor(config: UpstreamConfig) {
    this.nginx = start(config, 40);
    this.#worker = this.nginx.worker();
    this.#wanted = new Map(peersOf(this.#worker, 'firmware').map((peer) => [peer.id, peer.server as string]));
  }

  addresses(): Set<string> {
    return new Set(this.#wanted.values());
  }

  /** Does it; the address of a server that has come in by it. */
  perform(given: Action): string | undefined {
    if (given === 'crash') this.#work = undefined;
    else if (given === 'add') return this.#add();
    else if ('steps' in given) this.#build(given.steps);
    else if ('restore' in given) return this.#restore(given.restore);
    else if (this.#wanted.size > 2) this.#takeOut(given);
    return undefined;
  }

  #add(): string {
    const server = address(this.#next++);
    this.#wanted.set(servers.addServer(this.#worker, 'firmware', { server }).id, server);
    return server;
  }

  #build(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#work ??= maintenance.nextBuild(this.#worker, 2000);
      if (this.#work?.()) this.#work = undefined;
    }
  }

  #restore(at: number): string | undefined {
    const [id, server] = [...this.#drained][at % this.#drained.size] ?? [];
    if (id === undefined || server === undefined) return undefined;
    servers.patchServer(this.#worker, 'firmware', id, { drain: false });
    this.#drained.delete(id);
    this.#wanted.set(id, server);
    return server;
  }

  #takeOut(given: { drain: number } | { remove: number } | { fail: number }): void {
    const at = Object.values(given)[0] as number;
    const [id, server] = [...this.#wanted][at % this.#wanted.size] as [number, string];
    this.#wanted.delete(id);
    if ('remove' in given) servers.removeServer(this.#worker, 'firmware', id);
    else if ('drain' in given) {
      servers.patchServer(this.#worker, 'firmware', id, { drain: true });
      this.#drained.set(id, server);
    } else {
      failedTries.countFailure(this.nginx.counters, `${servers.getServer(this.#worker, 'firmware', id).uid}`);
      maintenance.quickTasks(this.#worker);
    }
  }
}

describe.each(METHODS)('a large group that is balanced %s', (_, config) => {
  it('selects no server that was removed, and selects one that was added, at whatever step of a build', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 25 }), (actions) => {
        const crowd = new Crowd(config);
        for (const given of actions) {
          const added = crowd.perform(given);
          const found = destinations(crowd.nginx, added === undefined ? 60 : 400);
          const known = crowd.addresses();
          for (const server of found) expect(known).toContain(server);
          expect(found.size).toBeGreaterThan(0);
          if (added !== undefined) expect(found).toContain(added);
        }
        crowd.nginx.settle();
        expect(destinations(crowd.nginx, 4000)).toEqual(crowd.addresses());
      }),
      { numRuns: 15 },
    );
  });

  it('has the same table whether it was built at once or step by step, after changes or anew', () => {
    const nginx = start(config, 100);
    for (let id = 0; id < 100; id += 7)
      servers.patchServer(nginx.worker(), 'firmware', id, { weight: 1 + (id % 5) });
    for (let id = 3; id < 100; id += 11) servers.removeServer(nginx.worker(), 'firmware', id);
    nginx.settle();
    const rows = () => {
      const header = nginx.tables.get('firmware') as string;
      return Array.from({ length: Number(header.substring(3, 9)) }, (_, row) =>
        fastPath.readRecord(nginx.tables, 'firmware', header, row).trim(),
      );
    };
    const before = rows();
    tableBuild.buildNow(nginx.worker(), nginx.tables, 'firmware');
    expect(rows()).toEqual(before);
    expect(rows().every((record) => record.includes(' '))).toBe(true);
  });

  it('has its table built in steps that are no longer for five thousand servers than for a hundred', () => {
    const longest = (count: number) => {
      const nginx = start(config, count);
      servers.patchServer(nginx.worker(), 'firmware', 0, { weight: 3 });
      let most = 0;
      const work = maintenance.nextBuild(nginx.worker(), 2000) as Step;
      for (let done = false; !done; ) {
        nginx.tables.operations = 0;
        done = work();
        most = Math.max(most, nginx.tables.operations);
      }
      return most;
    };
    expect(longest(5000)).toBeLessThan(150);
  });

  it('needs as many operations in shared memory for a change with five thousand servers as with a hundred', () => {
    const cost = (count: number) => {
      const nginx = start(config, count);
      nginx.tables.operations = 0;
      const { id } = servers.addServer(nginx.worker(), 'firmware', { server: '10.9.9.9:80' });
      servers.patchServer(nginx.worker(), 'firmware', id, { drain: true });
      servers.patchServer(nginx.worker(), 'firmware', 50, { drain: true });
      servers.removeServer(nginx.worker(), 'firmware', 51);
      return nginx.tables.operations;
    };
    // Finding a record among more chunks takes a few looks more: it is a search by halves.
    expect(cost(5000)).toBeLessThan(cost(100) + 40);
  });

  it('returns to the fast path once its changes are in the table', () => {
    const nginx = start(config, 100);
    servers.addServer(nginx.worker(), 'firmware', { server: '10.9.9.9:80' });
    const isQuick = () =>
      (nginx.tables.get('firmware') as string).charCodeAt(0) - tableFormat.FLAGS_BASE <
      tableFormat.BY_SELECTION;
    expect(isQuick()).toBe(false);
    nginx.settle();
    expect(isQuick()).toBe(config.method !== 'least_conn');
    expect([...nginx.tables.entries.keys()].filter((key) => /^ recent\/.*\//.test(key))).toEqual([]);
  });
});

describe('a build', () => {
  it('writes nothing once another has begun, however late it continues', () => {
    // A worker that is stopped in the middle and goes on after a reload has brought another one that does its work.
    const nginx = start({}, 100);
    for (let stop = 1; stop < 60; stop++) {
      servers.patchServer(nginx.worker(), 'firmware', stop, { weight: 2 });
      const old = tableBuild.beginBuild(nginx.worker(100), 'firmware') as Step;
      let done = false;
      for (let i = 0; i < stop && !done; i++) done = old();
      liveTable.requestBuild(nginx.worker(), 'firmware');
      nginx.settle();
      const before = new Map(nginx.tables.entries);
      try {
        while (!done) done = old();
      } catch (thrown) {
        expect(thrown).toBe(tableBuild.SUPERSEDED);
      }
      expect(new Map(nginx.tables.entries)).toEqual(before);
    }
  });

  it('covers all changes that were made before it began', () => {
    const nginx = start({}, 100);
    const counted = nginx.counters.get(' version') as number;
    for (let i = 0; i < 50; i++) servers.patchServer(nginx.worker(), 'firmware', i, { weight: 2 });
    let built = 0;
    for (
      let work = maintenance.nextBuild(nginx.worker(), 2000);
      work !== undefined;
      work = maintenance.nextBuild(nginx.worker(), 2000)
    ) {
      steps.run(work);
      built++;
    }
    expect(built).toBe(1);
    expect(nginx.counters.get(' version')).toBeGreaterThan(counted);
  });

  it('is not repeated before four times what it took, unless responses to changes wait for it', () => {
    // Regression: a group of 5,126 servers under constant change was built without a break, and took all of a worker's time.
    const secondBuild = (config: UpstreamConfig, count: number, pause: number) => {
      const nginx = start(config, count);
      nginx.pass(60_000);
      servers.patchServer(nginx.worker(), 'firmware', 0, { weight: 2 });
      const build = maintenance.nextBuild(nginx.worker(), 2000) as Step;
      nginx.pass(100);
      servers.patchServer(nginx.worker(), 'firmware', 1, { weight: 2 });
      steps.run(build);
      nginx.pass(pause);
      return maintenance.nextBuild(nginx.worker(), 2000);
    };
    expect(secondBuild({}, 100, 390)).toBeUndefined();
    expect(secondBuild({}, 100, 400)).toBeDefined();
    expect(secondBuild({ method: 'hash' }, 200, 390)).toBeUndefined();
    expect(secondBuild({ method: 'hash' }, 100, 0)).toBeDefined();
  });

  it('keeps the points of servers, and forgets them with the servers', () => {
    const nginx = start({ method: 'hash' }, 40);
    const kept = () => [...nginx.tables.entries.keys()].filter((key) => key.startsWith(' ring/')).length;
    expect(kept()).toBe(40);
    let digests = 0;
    const worker = {
      ...nginx.worker(),
      digest: () => {
        digests++;
        return new Uint8Array(32);
      },
    };
    servers.patchServer(nginx.worker(), 'firmware', 0, { drain: true });
    steps.run(maintenance.nextBuild(worker, 2000) as Step);
    expect(digests).toBe(0);
    for (let id = 0; id < 40; id++) servers.removeServer(nginx.worker(), 'firmware', id);
    nginx.settle();
    steps.run(maintenance.checkServers(nginx.worker()));
    expect(kept()).toBe(0);
  });

  it('leaves the group as it is when there is no room, and succeeds once there is some', () => {
    const nginx = start({}, 200);
    servers.patchServer(nginx.worker(), 'firmware', 3, { weight: 9 });
    const used = [...nginx.tables.entries].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    nginx.tables.limit = used + 10;
    for (let i = 0; i < 5; i++) {
      const work = maintenance.nextBuild(nginx.worker(), 2000);
      if (work !== undefined) steps.run(work);
    }
    expect(destinations(nginx, 1000).size).toBe(200);
    for (let id = 100; id < 200; id++) servers.removeServer(nginx.worker(), 'firmware', id);
    nginx.settle();
    expect(destinations(nginx, 1000).size).toBe(100);
    nginx.tables.limit = Number.POSITIVE_INFINITY;
    nginx.settle();
    expect(destinations(nginx, 1000).size).toBe(100);
  });
});

it('the answer to a change of a small group that hashes waits for its table, so that keys find their servers at once', () => {
  const answersAtOnce = (config: UpstreamConfig, count: number) => {
    const nginx = start(config, count);
    servers.addServer(nginx.worker(), 'firmware', { server: '10.9.9.9:80' });
    const ready = liveTable.whenBuilt(nginx.worker(), 'firmware');
    if (ready === undefined) return true;
    expect(ready()).toBe(false);
    nginx.settle();
    expect(ready()).toBe(true);
    return false;
  };
  expect(answersAtOnce({ method: 'hash' }, 3)).toBe(false);
  expect(answersAtOnce({ method: 'hash' }, 200)).toBe(true);
  expect(answersAtOnce({}, 50)).toBe(true);
});
