/** Also restore, upgrade, group, admission, downtime, rebalance, memory-reserve, transaction and lock: through changes of servers. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as fastPath from '../../../../src/gateway/balance/fast-path.js';
import * as selection from '../../../../src/gateway/balance/selection.js';
import * as errors from '../../../../src/gateway/model/errors.js';
import * as group from '../../../../src/gateway/store/group.js';
import * as passiveHealth from '../../../../src/gateway/store/passive-health.js';
import * as restore from '../../../../src/gateway/store/restore.js';
import * as servers from '../../../../src/gateway/store/servers.js';
import { FakeNginx, peersOf } from '../support/memory.js';

let nginx: FakeNginx;

beforeEach(() => {
  nginx = new FakeNginx({ upstreams: { firmware: {}, backend: {} } });
});

function choose(from = nginx): string {
  return selection.select(from, { pid: '100' }, 'firmware', ',')?.[1] ?? '';
}

function addresses(from = nginx): (string | undefined)[] {
  return peersOf(from.worker(), 'firmware').map((peer) => peer.server);
}

describe('a group', () => {
  it('is empty until something is added, and only a declared one exists', () => {
    expect(addresses()).toEqual([]);
    for (const name of ['nonesuch', 'constructor', '__proto__', 'firmware backup']) {
      expect(() => peersOf(nginx.worker(), name)).toThrow(
        expect.objectContaining({ code: 'UpstreamNotFound' }),
      );
    }
  });

  it('numbers servers upwards, and never uses a number twice', () => {
    const platform = nginx.worker();
    expect(servers.addServer(platform, 'firmware', { server: '10.0.0.1:80' }).id).toBe(0);
    expect(servers.addServer(platform, 'firmware', { server: '10.0.0.2:80' }).id).toBe(1);
    servers.removeServer(platform, 'firmware', 1);
    expect(servers.addServer(platform, 'firmware', { server: '10.0.0.2:80' }).id).toBe(2);
    expect(servers.addServer(platform, 'backend', { server: '10.0.0.2:80' }).id).toBe(0);
  });

  it('accepts an address twice, as NGINX Plus does, and counts the two separately', () => {
    const platform = nginx.worker();
    const uids = [1, 2].map(() => servers.addServer(platform, 'firmware', { server: '10.0.0.1:80' }).uid);
    expect(new Set(uids).size).toBe(2);
  });

  it('answers 404 for a server that is not there', () => {
    for (const action of [
      () => servers.patchServer(nginx.worker(), 'firmware', 5, {}),
      () => servers.removeServer(nginx.worker(), 'firmware', 5),
    ])
      expect(action).toThrow(expect.objectContaining({ code: 'UpstreamServerNotFound' }));
  });

  it('loses no change when workers take turns', () => {
    for (let i = 0; i < 50; i++)
      servers.addServer(nginx.worker(100 + (i % 4)), 'firmware', { server: `10.0.0.${i}:80` });
    expect(addresses()).toHaveLength(50);
    expect(new Set(Array.from({ length: 50 }, () => choose())).size).toBe(50);
  });
});

describe('downtime', () => {
  it('counts while a server is unavailable, and neither while it is down nor while it drains', () => {
    const platform = nginx.worker();
    const failing = servers.addServer(platform, 'firmware', { server: '10.0.0.1:80' });
    const books = () => {
      const { downtime, downstart } = servers.getServer(platform, 'firmware', 0);
      return [downtime, downstart];
    };
    for (const out of [{ drain: true }, { down: true }]) {
      servers.patchServer(platform, 'firmware', 0, out);
      nginx.pass(5000);
      expect(books()).toEqual([undefined, undefined]);
      servers.patchServer(platform, 'firmware', 0, { down: false });
    }
    passiveHealth.recordFailures(platform, failing, 1);
    expect(failing.downstart).toBe(nginx.now);
  });
});

describe('a restart', () => {
  it('finds every server with its parameters, numbered from 0', () => {
    const platform = nginx.worker();
    servers.addServer(platform, 'firmware', { server: '10.0.0.1:80' });
    servers.addServer(platform, 'firmware', {
      server: '[2001:db8::1]:80',
      weight: 3,
      fail_timeout: '5s',
      route: 'a b;c',
      drain: true,
    });
    servers.removeServer(platform, 'firmware', 0);
    const later = nginx.restarted();
    const peers = peersOf(later.worker(), 'firmware');
    expect(peers).toEqual([
      {
        id: 0,
        uid: 2,
        server: '[2001:db8::1]:80',
        weight: 3,
        fail_timeout: '5s',
        route: 'a b;c',
        drain: true,
        down: false,
      },
    ]);
    expect(peersOf(later.worker(), 'backend')).toEqual([]);
  });

  it('reads a state file that NGINX Plus wrote, and reports the lines it cannot use', () => {
    nginx.files.set(
      'firmware',
      'server 10.42.1.127:8080;\n\nserver 10.42.1.128:8080 weight=2 down;\nserver nonsense=1;\nhello\n',
    );
    expect(addresses()).toEqual(['10.42.1.127:8080', '10.42.1.128:8080']);
    expect(nginx.warnings).toEqual([
      'http upstream "firmware": ignored "server nonsense=1;"',
      'http upstream "firmware": ignored "hello"',
    ]);
  });

  it('uses the declared servers while there is no state, and never again once there is', () => {
    nginx = new FakeNginx({
      upstreams: { firmware: { servers: ['10.0.0.1:80 weight=2', '10.0.0.2 drain'] } },
    });
    expect(peersOf(nginx.worker(), 'firmware')).toMatchObject([
      { id: 0, server: '10.0.0.1:80', weight: 2 },
      { id: 1, server: '10.0.0.2:80', drain: true },
    ]);
    for (const id of [0, 1]) servers.removeServer(nginx.worker(), 'firmware', id);
    expect(addresses(nginx.restarted())).toEqual([]);
  });

  it('begins with an empty group when the state is gone', () => {
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
    nginx.files.clear();
    expect(addresses(nginx.restarted())).toEqual([]);
  });
});

describe('an address that leads back into the gateway', () => {
  it.each([
    '127.0.0.1:8080',
    '[::ffff:127.0.0.1]:8080',
    '169.254.1.1:80',
    '0.0.0.0:80',
    '10.7.7.7:2379',
    '[::ffff:10.7.7.7]:80',
  ])('is refused: %s', (server) => {
    // Regression: a backend had registered the load balancer's own API, which the public then reached by port 80.
    nginx.hostAddresses = [[10, 7, 7, 7]];
    expect(() => servers.addServer(nginx.worker(), 'firmware', { server })).toThrow(
      expect.objectContaining({ code: 'UpstreamBadAddress' }),
    );
    expect(addresses()).toEqual([]);
  });

  it('is accepted where gateway.json allows it, and gone after a restart where it does not', () => {
    nginx.allow = ['127.0.0.0/8'];
    servers.addServer(nginx.worker(), 'firmware', { server: '127.0.0.1:80' });
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
    const later = nginx.restarted();
    expect(addresses(later)).toEqual(['10.0.0.1:80']);
    expect(later.warnings).toEqual([
      expect.stringContaining('ignored a server: "127.0.0.1:80" is a loopback address'),
    ]);
  });

  it('is accepted where gateway.json itself declares it', () => {
    nginx = new FakeNginx({ upstreams: { firmware: { servers: ['127.0.0.1:80'] } } });
    expect(addresses()).toEqual(['127.0.0.1:80']);
  });
});

describe('a reload', () => {
  it('keeps servers and ids, and adds groups and methods that are new', () => {
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
    Object.assign(nginx.config, { upstreams: { firmware: { method: 'least_conn' }, fresh: {} } });
    restore.load(nginx.worker());
    expect(addresses()).toEqual(['10.0.0.1:80']);
    expect(nginx.tables.entries.get('firmware')?.charAt(2)).toBe('l');
    expect(peersOf(nginx.worker(), 'fresh')).toEqual([]);
    expect(() => peersOf(nginx.worker(), 'backend')).toThrow();
  });

  it('keeps ids, uids and failures of the servers of groups that were there before', () => {
    // Regression: a group in memory was not recognised, and restored from its state file at each reload.
    for (const i of [1, 2]) servers.addServer(nginx.worker(), 'firmware', { server: `10.0.0.${i}:80` });
    servers.removeServer(nginx.worker(), 'firmware', 0);
    group.update(nginx.tables, 'firmware', 1, (peer) => {
      passiveHealth.recordFailures(nginx.worker(), peer, 1);
    });
    const before = peersOf(nginx.worker(), 'firmware');
    expect(before).toMatchObject([{ id: 1, unavail: 1 }]);
    Object.assign(nginx.config, { upstreams: { firmware: {}, fresh: {} } });
    restore.load(nginx.worker());
    expect(peersOf(nginx.worker(), 'firmware')).toEqual(before);
  });

  it('applies a method that changed while the names of the groups did not', () => {
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
    Object.assign(nginx.config, { upstreams: { firmware: { method: 'hash' }, backend: {} } });
    restore.load(nginx.worker());
    expect(nginx.tables.entries.get('firmware')?.charAt(2)).toBe('h');
  });
});

/** Bytes of shared memory that hold something. */
function used(): number {
  return [...nginx.tables.entries].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
}

describe('an upgrade by a reload', () => {
  it.each([
    ['1     14 ri7         1 10.0.0.1:80 ', ''],
    ['1     r0!ii!!#a!!7         !1 10.0.0.1:80 ', '#'],
  ])(
    'rebuilds tables that another version has left in memory, and does not use them until then',
    (left, mark) => {
      // Regression: memory outlives a reload, and what it was in line with told of the declarations alone.
      servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
      nginx.tables.set('firmware', left);
      nginx.tables.set(' loaded', mark + JSON.stringify(nginx.config.upstreams));
      const variables = { pid: '100', upstream: 'firmware' };
      expect(fastPath.choose(nginx.tables, nginx.counters, variables)).toBeUndefined();
      expect(choose()).toBe('');
      restore.load(nginx.worker());
      expect(fastPath.choose(nginx.tables, nginx.counters, variables)?.[1]).toBe('10.0.0.1:80');
      expect(addresses()).toEqual(['10.0.0.1:80']);
    },
  );
});

describe('an upgrade by a reload from an earlier format', () => {
  const first = { id: 0, uid: 3, server: '10.0.0.1:80', weight: 2, until: 9e15, failing: 1, downtime: 5 };
  const second = { id: 7, uid: 4, server: '10.0.0.2:80', down: true };

  it.each([
    ['whole', { ' group/firmware': { next: 8, peers: [first, second], gone: [1] } }],
    [
      'in pieces',
      {
        ' group/firmware': { next: 8, count: 2, wanted: 1, well: 1, pieces: [0, 7] },
        ' group/firmware/0': [first],
        ' group/firmware/7': [second],
      },
    ],
  ])('keeps the servers of a group that is stored %s, and resets their statistics', (_, stored) => {
    for (const [key, value] of Object.entries(stored)) nginx.tables.set(key, JSON.stringify(value));
    nginx.tables.set(' loaded', `%${JSON.stringify(nginx.config.upstreams)}`);
    expect(peersOf(nginx.worker(), 'firmware')).toEqual([
      { id: 0, uid: 3, server: '10.0.0.1:80', weight: 2 },
      { id: 7, uid: 4, server: '10.0.0.2:80', down: true },
    ]);
    expect(choose()).toBe('10.0.0.1:80');
    nginx.counters.set(' uid', 4);
    expect(servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.3:80' }).id).toBe(8);
  });
});

describe('a failure of the store', () => {
  it('undoes a change that shared memory has no room for, in memory and on disk', () => {
    for (let i = 0; i < 5; i++) servers.addServer(nginx.worker(), 'firmware', { server: `10.0.0.${i}:80` });
    nginx.settle();
    const text = nginx.files.get('firmware')?.split('\n').slice(1).join('\n');
    nginx.tables.limit = 2 * used();
    let added = 5;
    expect(() => {
      for (; added < 1000; added++)
        servers.addServer(nginx.worker(), 'firmware', { server: `10.0.1.${added}:80` });
    }).toThrow(expect.objectContaining({ code: 'UpstreamOutOfMemory' }));
    expect(added).toBeGreaterThan(5);
    expect(addresses()).toHaveLength(added);
    nginx.pass(10_000);
    nginx.settle();
    expect(nginx.files.get('firmware')?.split('\n')).toHaveLength(added + 2);
    expect(nginx.files.get('firmware')).toContain(text);
    expect(choose()).toBeDefined();
  });

  it('drains and removes servers of a group that has filled the memory', () => {
    // Regression: a drain was refused for want of the few bytes that tell of it, so that a full group was stuck.
    for (let limit = 6000; limit < 24_000; limit += 203) {
      nginx = new FakeNginx({ upstreams: { firmware: {}, backend: {} } });
      servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
      nginx.tables.limit = limit;
      expect(() => {
        for (let i = 2; i < 1000; i++)
          servers.addServer(nginx.worker(), 'firmware', { server: `10.0.1.${i}:80` });
      }).toThrow(expect.objectContaining({ code: 'UpstreamOutOfMemory' }));
      const ids = peersOf(nginx.worker(), 'firmware').map(({ id }) => id);
      for (const id of ids) servers.patchServer(nginx.worker(), 'firmware', id, { drain: true });
      expect(choose()).toBe('');
      for (const id of ids) servers.removeServer(nginx.worker(), 'firmware', id);
      expect(ids.length).toBeGreaterThan(5);
      expect(addresses()).toEqual([]);
      expect(servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.9:80' }).server).toBe(
        '10.0.0.9:80',
      );
    }
  });

  it('ends the lock of a worker that died', () => {
    restore.load(nginx.worker());
    nginx.tables.set(' lock/upstreams', '666');
    nginx.dead.add(666);
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
    expect(addresses()).toEqual(['10.0.0.1:80']);
    expect(nginx.warnings).toEqual(['taking over the lock of worker 666, which no longer runs']);
  });

  it('gives up at once on a lock that a living worker has, and changes nothing', () => {
    // Regression: a worker that was stopped, or waited for a disk, had all others spin for five seconds.
    restore.load(nginx.worker());
    nginx.tables.set(' lock/upstreams', '666');
    nginx.tables.operations = 0;
    expect(() => servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' })).toThrow(
      errors.locked,
    );
    expect(nginx.tables.operations).toBeLessThan(2100);
    expect(addresses()).toEqual([]);
    nginx.tables.delete(' lock/upstreams');
    expect(servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' }).id).toBe(0);
  });

  it('leaves files alone while a worker has the lock', () => {
    // Regression: a disk that stood still did so under the lock.
    nginx.pass(10_000);
    nginx.beforeFile = () => expect(nginx.tables.entries.has(' lock/upstreams')).toBe(false);
    const peer = servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
    servers.patchServer(nginx.worker(), 'firmware', peer.id, { drain: true });
    servers.removeServer(nginx.worker(), 'firmware', peer.id);
    nginx.settle();
    expect(nginx.files.get('firmware')).toContain('after change 3');
  });
});

describe('a slow start', () => {
  it('begins with a small weight and ends at the full one', () => {
    const platform = nginx.worker();
    servers.addServer(platform, 'firmware', { server: '10.0.0.1:80' });
    const fresh = servers.addServer(platform, 'firmware', { server: '10.0.0.2:80', slow_start: '20s' });
    const warmth = [0, 10, 20, 40].map((seconds) =>
      group.slowStartShare(fresh, nginx.clock + seconds * 1000),
    );
    expect(warmth).toEqual([1, 10, 20, 20]);
    const chosen = Array.from({ length: 210 }, () => choose());
    expect(chosen.filter((address) => address === '10.0.0.2:80')).toHaveLength(10);
  });
});
