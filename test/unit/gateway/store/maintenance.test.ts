/** Also passive-health, workers, server-stats and turns, and the counters of src/gateway/balance that they read. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as failedTries from '../../../../src/gateway/balance/failed-tries.js';
import * as selection from '../../../../src/gateway/balance/selection.js';
import * as statusCodes from '../../../../src/gateway/balance/status-codes.js';
import * as steps from '../../../../src/gateway/model/steps.js';
import type { Peer } from '../../../../src/gateway/store/group.js';
import * as group from '../../../../src/gateway/store/group.js';
import * as maintenance from '../../../../src/gateway/store/maintenance.js';
import * as serverStats from '../../../../src/gateway/store/server-stats.js';
import * as servers from '../../../../src/gateway/store/servers.js';
import * as workers from '../../../../src/gateway/store/workers.js';
import { FakeNginx, peersOf, respond } from '../support/memory.js';

let nginx: FakeNginx;

beforeEach(() => {
  nginx = new FakeNginx({ upstreams: { firmware: {} } });
  nginx.workers = [100, 101, 102];
});

function choose(pid = 100): string {
  return selection.select(nginx, { pid: `${pid}` }, 'firmware', ',')?.[1] ?? '';
}

function current(): Peer[] {
  return peersOf(nginx.worker(), 'firmware');
}

function peer(index = 0): Peer {
  return current()[index] as Peer;
}

function state(index = 0): string {
  return group.state(peer(index), nginx.clock);
}

function fail(uid: number, times = 1): void {
  for (let i = 0; i < times; i++) failedTries.countFailure(nginx.counters, `${uid}`);
  maintenance.quickTasks(nginx.worker());
}

function pass(ms: number): void {
  nginx.pass(ms);
  maintenance.quickTasks(nginx.worker());
  steps.run(maintenance.checkServers(nginx.worker()));
}

/** Forgets the statistics. */
function reset(): void {
  for (const some of servers.statResets(nginx.worker(), 'firmware')) some();
}

/** The API's view of the group. */
function overview(): { peers: Record<string, unknown>[]; zombies: number } {
  const call = {
    method: 'GET',
    path: '/api/9/http/upstreams/firmware',
    version: 9,
    args: {},
    body: '',
    write: true,
  };
  return JSON.parse(respond(nginx.worker(), undefined, { ...call, requestId: '' }).text);
}

describe('a passive health check', () => {
  beforeEach(() => {
    servers.addServer(nginx.worker(), 'firmware', {
      server: '10.0.0.1:80',
      max_fails: 3,
      fail_timeout: '10s',
    });
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.2:80' });
  });

  it('makes a server unavailable at its max_fails-th failure within fail_timeout, for fail_timeout', () => {
    fail(1, 2);
    expect(state()).toBe('up');
    fail(1);
    expect(state()).toBe('unavail');
    expect(peer()).toMatchObject({ unavail: 1, downstart: nginx.now });
    expect(new Set([choose(), choose(), choose()])).toEqual(new Set(['10.0.0.2:80']));
    pass(9_000);
    expect(state()).toBe('unavail');
    pass(1_000);
    expect(state()).toBe('up');
    expect(peer()).toMatchObject({ downtime: 10_000 });
    expect(new Set([choose(), choose()])).toEqual(new Set(['10.0.0.1:80', '10.0.0.2:80']));
  });

  it('makes a server unavailable again at the first failure after that', () => {
    fail(1, 3);
    pass(10_000);
    fail(1);
    expect(state()).toBe('unavail');
    expect(peer().unavail).toBe(2);
  });

  it('forgets failures that are further apart than fail_timeout', () => {
    fail(1, 2);
    pass(11_000);
    fail(1, 2);
    expect(state()).toBe('up');
  });

  it('leaves a server alone that has max_fails 0, and one that is the only one', () => {
    servers.patchServer(nginx.worker(), 'firmware', 0, { max_fails: 0 });
    fail(1, 100);
    expect(state()).toBe('up');
    servers.removeServer(nginx.worker(), 'firmware', 0);
    fail(2, 5);
    expect(choose()).toBe('10.0.0.2:80');
    expect(state(0)).toBe('up');
    expect(nginx.warnings).toEqual([]);
  });

  it.each([['down'], ['drain']])(
    'leaves a server alone whose others are all out of rotation by `%s`',
    (how) => {
      servers.patchServer(nginx.worker(), 'firmware', 0, { [how]: true });
      fail(2, 5);
      expect(state(1)).toBe('up');
      expect(choose()).toBe('10.0.0.2:80');
    },
  );

  it('keeps a server in use that had failed when the last of the others was taken out of rotation', () => {
    fail(2);
    expect(state(1)).toBe('unavail');
    expect(choose()).toBe('10.0.0.1:80');
    servers.patchServer(nginx.worker(), 'firmware', 0, { drain: true });
    expect(choose()).toBe('10.0.0.2:80');
    servers.patchServer(nginx.worker(), 'firmware', 0, { drain: false });
    expect(new Set([choose(), choose()])).toEqual(new Set(['10.0.0.1:80']));
  });

  it('keeps all in use when all have failed, until one succeeds', () => {
    fail(2);
    pass(5_000);
    fail(1, 3);
    expect([state(0), state(1)]).toEqual(['unavail', 'unavail']);
    expect(new Set([choose(), choose()])).toEqual(new Set(['10.0.0.1:80', '10.0.0.2:80']));
    pass(5_000);
    expect([state(0), state(1)]).toEqual(['unavail', 'up']);
    expect(new Set([choose(), choose()])).toEqual(new Set(['10.0.0.2:80']));
  });

  it('uses an available backup before servers that have failed', () => {
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.3:80', backup: true });
    fail(1, 3);
    fail(2);
    expect(new Set([choose(), choose()])).toEqual(new Set(['10.0.0.3:80']));
    fail(3);
    expect(new Set([choose(), choose()])).toEqual(new Set(['10.0.0.1:80', '10.0.0.2:80']));
  });

  it('ends when an operator puts the server back', () => {
    fail(1, 3);
    servers.patchServer(nginx.worker(), 'firmware', 0, { down: true });
    servers.patchServer(nginx.worker(), 'firmware', 0, { down: false });
    expect(state()).toBe('up');
  });

  it('begins a slow start where one is configured', () => {
    servers.patchServer(nginx.worker(), 'firmware', 0, { slow_start: '20s' });
    fail(1, 3);
    pass(10_000);
    const share = () =>
      Array.from({ length: 42 }, () => choose()).filter((at) => at === '10.0.0.1:80').length;
    expect(share()).toBe(2);
    pass(10_000);
    expect(share()).toBe(14);
    pass(10_000);
    expect(share()).toBe(21);
    expect(peer().slowStartSince).toBeUndefined();
  });
});

describe('a worker that crashed', () => {
  it('leaves no request active, and none uncounted', () => {
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
    for (let i = 0; i < 4; i++) choose(100);
    for (let i = 0; i < 3; i++) choose(101);
    nginx.dead.add(101);
    // At once, for whoever asks, and for good once it was noticed.
    for (const notice of [() => {}, () => pass(1000)]) {
      notice();
      expect(serverStats.statsReader(nginx.worker())(1)).toMatchObject({ active: 4, requests: 7 });
    }
    expect([...nginx.counters.entries.keys()].filter((key) => key.endsWith('/101'))).toEqual([]);
    expect(nginx.tables.entries.get(' pids')).toBe('100 102');
  });

  it('counts as respawned, unless a reload retired it', () => {
    const platform = nginx.worker();
    workers.countRespawns(platform, 1, [100, 101]);
    workers.countRespawns(platform, 1, [100, 102]);
    expect(nginx.counters.entries.get(workers.RESPAWNED)).toBe(1);
    workers.countRespawns(platform, 2, [100, 102, 103, 104]);
    workers.countRespawns(platform, 2, [103, 104]);
    expect(nginx.counters.entries.get(workers.RESPAWNED)).toBe(1);
  });
});

describe('a removed server', () => {
  it('is a zombie while it has something open, and is then forgotten with all its counters', () => {
    const platform = nginx.worker();
    servers.addServer(platform, 'firmware', { server: '10.0.0.1:80' });
    choose();
    pass(1000);
    servers.removeServer(platform, 'firmware', 0);
    const zombies = () => overview().zombies;
    expect(zombies()).toBe(1);
    pass(1000);
    expect(zombies()).toBe(1);
    nginx.counters.incr('1/100', -1);
    expect(zombies()).toBe(0);
    pass(1000);
    expect(group.removedUids(nginx.tables, 'firmware')).toEqual([]);
    expect([...nginx.counters.entries.keys()].filter((key) => /(^1|\/1)(\/|$)/.test(key))).toEqual([]);
  });
});

describe('the field selected', () => {
  it('is the time of the last requests, to the second', () => {
    const platform = nginx.worker();
    servers.addServer(platform, 'firmware', { server: '10.0.0.1:80' });
    const selected = () => nginx.counters.entries.get(' selected/1');
    pass(1000);
    expect(selected()).toBeUndefined();
    choose();
    pass(1000);
    const then = nginx.now;
    expect(selected()).toBe(then);
    pass(5000);
    expect(selected()).toBe(then);
  });
});

describe('a request that finds all servers full', () => {
  /** A request that nobody has failed, and its last chance. */
  const last = () => selection.select(nginx, { pid: '100' }, 'firmware', ',', true);

  it('counts as an overflow of a queue of size 0, from the first one on, until that is reset', () => {
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80', max_conns: 1 });
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.2:80', max_conns: 1, backup: true });
    expect([last()?.[1], last()?.[1]]).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
    expect(overview()).not.toHaveProperty('queue');
    expect([last(), last()]).toEqual([undefined, undefined]);
    expect(overview()).toMatchObject({ queue: { size: 0, max_size: 0, overflows: 2 } });
    expect([state(0), state(1)]).toEqual(['up', 'up']);
    reset();
    expect(overview()).not.toHaveProperty('queue');
  });

  it('differs from one that finds no servers', () => {
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80', max_conns: 1, down: true });
    expect(last()).toBeUndefined();
    expect(overview()).not.toHaveProperty('queue');
  });
});

describe('the API of the counters of a server', () => {
  it('counts by class and code, plain 200s by difference', () => {
    const platform = nginx.worker();
    servers.addServer(platform, 'firmware', { server: '10.0.0.1:80', max_conns: 50 });
    for (let i = 0; i < 10; i++) choose(100 + (i % 2));
    nginx.counters.incr('1/100', -5);
    nginx.counters.incr('1/101', -3);
    for (const status of ['404', '502, 404', '204', '503', '-'])
      statusCodes.countStatus(nginx.counters, '1', status);
    nginx.counters.incr('1/sent', 1000);
    nginx.counters.incr('1/received', 2000);
    expect(overview()).toEqual({
      peers: [
        {
          id: 0,
          server: '10.0.0.1:80',
          name: '10.0.0.1:80',
          backup: false,
          weight: 1,
          state: 'up',
          active: 2,
          max_conns: 50,
          requests: 10,
          responses: {
            '1xx': 0,
            '2xx': 4,
            '3xx': 0,
            '4xx': 2,
            '5xx': 1,
            codes: { 200: 3, 204: 1, 404: 2, 503: 1 },
            total: 7,
          },
          sent: 1000,
          received: 2000,
          fails: 0,
          unavail: 0,
          health_checks: { checks: 0, fails: 0, unhealthy: 0 },
          downtime: 0,
        },
      ],
      keepalive: 0,
      zombies: 0,
      zone: 'firmware',
    });
  });

  it('starts again at a reset, except what is open', () => {
    const platform = nginx.worker();
    servers.addServer(platform, 'firmware', { server: '10.0.0.1:80' });
    for (let i = 0; i < 5; i++) choose();
    nginx.counters.incr('1/100', -3);
    nginx.counters.incr('1/sent', 1000);
    reset();
    expect(serverStats.statsReader(platform)(1)).toMatchObject({ active: 2, requests: 0, sent: 0 });
    nginx.counters.incr('1/100', -2);
    expect(serverStats.statsReader(platform)(1)).toMatchObject({ active: 0, requests: 0 });
  });
});

describe('the average time of a server', () => {
  function shown(): unknown {
    return overview().peers;
  }

  function timed(header: number, response: number): void {
    nginx.counters.incr('1/timed', 1);
    nginx.counters.incr('1/header_time', header);
    nginx.counters.incr('1/response_time', response);
  }

  beforeEach(() => {
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
  });

  it('appears in whole ms, and not before there is any', () => {
    expect(shown()).not.toMatchObject([{ header_time: expect.anything() }]);
    timed(20, 36);
    timed(21, 40);
    expect(shown()).toMatchObject([{ header_time: 21, response_time: 38 }]);
  });

  it('follows a server that becomes slower, however long it was fast', () => {
    for (let i = 0; i < 10_000; i++) timed(1, 1);
    pass(1_000);
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 64; i++) timed(500, 600);
      pass(1_000);
    }
    const [peer] = shown() as [{ header_time: number; response_time: number }];
    expect(peer.header_time).toBeGreaterThan(480);
    expect(peer.response_time).toBeGreaterThan(580);
  });

  it('never is below zero when it is reset while the maintenance tasks read it', () => {
    // Regression: half of what had been gathered was taken away from counters that were gone by then.
    for (let i = 0; i < 200; i++) timed(20, 36);
    reset();
    serverStats.decayAverages(nginx.worker(), 1);
    timed(10, 12);
    expect(shown()).toMatchObject([{ header_time: 10, response_time: 12 }]);
  });

  it('is reset with the rest of the statistics', () => {
    timed(20, 36);
    reset();
    expect(shown()).not.toMatchObject([{ header_time: expect.anything() }]);
  });
});

describe('a round of maintenance', () => {
  it('is one at a time in a worker, however many servers have NGINX start one', () => {
    // Regression: with the API in two servers, two rounds ran at a time and dropped each other's builds.
    const begin = (pid: number) => maintenance.beginRound(nginx.worker(pid), 1960);
    expect([begin(100), begin(100)]).toEqual([true, false]);
    nginx.pass(1950);
    expect(begin(100)).toBe(false);
    nginx.pass(50);
    expect([begin(100), begin(100)]).toEqual([true, false]);
  });

  it('begins at once in the worker that follows one that has ended in a round', () => {
    const begin = (pid: number) => maintenance.beginRound(nginx.worker(pid), 1960);
    expect([begin(100), begin(101), begin(101)]).toEqual([true, true, false]);
  });
});
