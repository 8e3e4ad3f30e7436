import { describe, expect, it } from 'vitest';
import * as fastPath from '../../../../src/gateway/balance/fast-path.js';
import * as selection from '../../../../src/gateway/balance/selection.js';
import type { Variables } from '../../../../src/gateway/balance/shared-memory.js';
import * as tableFormat from '../../../../src/gateway/balance/table-format.js';
import type { Parameters } from '../../../../src/gateway/model/server.js';
import type { UpstreamConfig } from '../../../../src/gateway/store/config.js';
import * as restore from '../../../../src/gateway/store/restore.js';
import * as servers from '../../../../src/gateway/store/servers.js';
import { fc } from '../../../support/property.js';
import { FakeNginx } from '../support/memory.js';

let nginx: FakeNginx;

function setUp(config: UpstreamConfig, parameters: Parameters[]): void {
  nginx = new FakeNginx({ upstreams: { firmware: config } });
  restore.load(nginx.worker());
  for (const server of parameters) servers.addServer(nginx.worker(), 'firmware', server);
  nginx.settle();
}

function numbered(count: number, more: Omit<Parameters, 'server'> = {}): Parameters[] {
  return Array.from({ length: count }, (_, i) => ({ server: `10.0.${i >> 8}.${i & 255}:80`, ...more }));
}

/** One request by the thorough path; `''` when there is nothing to choose. */
function choose({ pid = 100, uri = '/', tried = ',', group = 'firmware' } = {}): string {
  return selection.select(nginx, { pid: `${pid}`, request_uri: uri }, group, tried)?.[1] ?? '';
}

/** One request by the path that NGINX takes: quick, else thorough. Address and counter are `''` when there is nothing. */
function request(pid = 100, uri = '/'): { address: string; quick: boolean; counter: string } {
  const variables: Variables = { pid: `${pid}`, upstream: 'firmware', request_uri: uri };
  const first = fastPath.choose(nginx.tables, nginx.counters, variables);
  const choice = first ?? selection.select(nginx, variables, 'firmware', ',');
  return { address: choice?.[1] ?? '', quick: first !== undefined, counter: choice?.[2] ?? '' };
}

function count(addresses: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const address of addresses) found[address] = (found[address] ?? 0) + 1;
  return found;
}

function active(uid: number, pid = 100): number {
  return (nginx.counters.entries.get(`${uid}/${pid}`) ?? 0) % tableFormat.ACTIVE_LIMIT;
}

describe('a group that another one stands in for', () => {
  const regional = () => {
    nginx = new FakeNginx({ upstreams: { firmware: {}, 'firmware-eu': {} } });
    restore.load(nginx.worker());
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80' });
    servers.addServer(nginx.worker(), 'firmware-eu', { server: '10.0.0.2:80' });
    nginx.settle();
  };
  const select = (upstream: string, tried = ',', fallback = 'firmware') => {
    const variables: Variables = { pid: '100', upstream, gateway_fallback: fallback };
    const choice = selection.select(nginx, variables, upstream, tried);
    return { uid: choice?.[0], address: choice?.[1], upstream: variables.upstream };
  };

  it('is left alone while it has a server', () => {
    regional();
    expect(select('firmware-eu')).toMatchObject({ address: '10.0.0.2:80', upstream: 'firmware-eu' });
  });

  it('is replaced once all of its servers were tried, or where there is no such group', () => {
    regional();
    const { uid } = select('firmware-eu');
    const other = { address: '10.0.0.1:80', upstream: 'firmware' };
    expect(select('firmware-eu', `,${uid},`)).toMatchObject(other);
    expect(select('firmware-nonesuch')).toMatchObject(other);
  });

  it('stays the group of the request while the other one has no server either', () => {
    setUp({}, []);
    expect(select('firmware-eu')).toEqual({ uid: undefined, address: undefined, upstream: 'firmware-eu' });
    expect(select('firmware')).toEqual({ uid: undefined, address: undefined, upstream: 'firmware' });
  });
});

describe('round robin', () => {
  it('selects nothing in an unknown or empty group', () => {
    setUp({}, []);
    expect(choose()).toBe('');
    expect(choose({ group: 'nonesuch' })).toBe('');
    expect(request()).toEqual({ address: '', quick: false, counter: '' });
  });

  it('gives each server of a small or big group its share exactly, over all workers', () => {
    for (const servers of [1, 3, 16, 17, 100, 1000]) {
      setUp({}, numbered(servers));
      const chosen = Array.from({ length: servers * 3 }, (_, i) => request(100 + (i % 2)).address);
      expect(Object.values(count(chosen))).toEqual(new Array(servers).fill(3));
    }
  });

  it('gives a server that is added to a busy group its share at once', () => {
    setUp({}, numbered(3));
    for (let i = 0; i < 30; i++) request();
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.9.9:80' });
    const chosen = Array.from({ length: 40 }, () => request().address);
    expect(count(chosen)['10.0.9.9:80']).toBe(10);
  });

  it('distributes by weight', () => {
    setUp({}, [{ server: '10.0.0.1:80', weight: 5 }, { server: '10.0.0.2:80' }, { server: '10.0.0.3:80' }]);
    const chosen = Array.from({ length: 70 }, () => request().address);
    expect(count(chosen)).toEqual({ '10.0.0.1:80': 50, '10.0.0.2:80': 10, '10.0.0.3:80': 10 });
  });

  it.each(['down', 'drain'] as const)('skips a server that is %s', (out) => {
    setUp({}, [{ server: '10.0.0.1:80', [out]: true }, { server: '10.0.0.2:80' }]);
    expect(count(Array.from({ length: 10 }, () => request().address))).toEqual({ '10.0.0.2:80': 10 });
  });

  it('uses backups only when nothing else is left', () => {
    setUp({}, [{ server: '10.0.0.1:80' }, { server: '10.0.0.9:80', backup: true }]);
    expect(choose()).toBe('10.0.0.1:80');
    expect(choose({ group: 'firmware backup' })).toBe('10.0.0.9:80');
    servers.patchServer(nginx.worker(), 'firmware', 0, { down: true });
    expect(choose()).toBe('10.0.0.9:80');
    expect(choose({ group: 'firmware backup' })).toBe('');
  });

  it('needs the same few operations with 10 servers as with 1,000', () => {
    const heavier = [{ server: '10.0.9.9:80', weight: 2 }];
    const cost = [numbered(10), numbered(1000), [...numbered(999), ...heavier]].map((servers) => {
      setUp({}, servers);
      for (let i = 0; i < 1100; i++) request();
      nginx.tables.operations = 0;
      nginx.counters.operations = 0;
      expect(request().quick).toBe(true);
      return [nginx.tables.operations, nginx.counters.operations];
    });
    // Above sixteen, records lie in chunks, and with different weights rows as well: a read more each, and no more.
    expect(cost).toEqual([
      [2, 2],
      [3, 2],
      [4, 2],
    ]);
  });

  it('skips a server that was tried, and reports when all were', () => {
    setUp({}, numbered(3));
    expect(new Set(Array.from({ length: 6 }, () => choose({ tried: ',1,' })))).toEqual(
      new Set(['10.0.0.1:80', '10.0.0.2:80']),
    );
    expect(choose({ tried: ',1,2,3,' })).toBe('');
  });
});

describe('counting', () => {
  it('uses the fast path from the first request of a server on', () => {
    // Regression: the first request of each worker and server went the long way and chose a second time, so that in
    // a group of even size half of the servers never got past it.
    setUp({}, numbered(4));
    expect(Array.from({ length: 4 }, () => request().quick)).toEqual([true, true, true, true]);
    expect(nginx.tables.entries.get(' pids')).toBe('100');
  });

  it('counts a selection as active and as a request at once, on the counter that it names', () => {
    setUp({}, numbered(1));
    request();
    request();
    expect(request()).toMatchObject({ counter: '1/100', quick: true });
    expect(nginx.counters.entries.get('1/100')).toBe(3 * tableFormat.ACTIVE_LIMIT + 3);
  });

  it('never leaves a drained server selected and uncounted, whenever the drain comes in between', () => {
    // For every operation of a request, drain the server just before it.
    for (let at = 1; at <= 12; at++) {
      setUp({}, numbered(2));
      request();
      request();
      request();
      const before = active(1);
      let step = 0;
      let drained = -1;
      const interfere = () => {
        if (++step !== at) return;
        nginx.tables.before = () => {};
        nginx.counters.before = () => {};
        servers.patchServer(nginx.worker(200), 'firmware', 0, { drain: true });
        // What a client sees that reads `active` right after its PATCH was answered.
        drained = active(1);
      };
      nginx.tables.before = interfere;
      nginx.counters.before = interfere;
      const { address } = request();
      nginx.tables.before = () => {};
      nginx.counters.before = () => {};
      if (drained < 0) continue;
      if (address === '10.0.0.0:80') expect(drained).toBe(before + 1);
      else expect(active(1)).toBe(before);
    }
    expect.hasAssertions();
  });
});

describe('a change of a big group', () => {
  it.each([
    ['in turn', {}],
    ['by hash', { method: 'hash' }],
  ] as [string, UpstreamConfig][])(
    'shows requests that are balanced %s a whole table at every step',
    (_, config) => {
      // Regression: chunks of the new table were read with the old table's columns, which gave half an address.
      setUp(config, numbered(40));
      const known = new Set([...numbered(40).map(({ server }) => server), '192.168.100.200:18080']);
      let requests = 0;
      nginx.tables.before = (operation) => {
        if (operation !== 'set' && operation !== 'delete') return;
        const before = nginx.tables.before;
        nginx.tables.before = () => {};
        for (let i = 0; i < 50; i++, requests++) expect(known).toContain(request(100, `/${i}`).address);
        nginx.tables.before = before;
      };
      servers.addServer(nginx.worker(), 'firmware', { server: '192.168.100.200:18080' });
      servers.removeServer(nginx.worker(), 'firmware', 40);
      nginx.tables.before = () => {};
      expect(requests).toBeGreaterThan(500);
    },
  );
});

describe('the limit max_conns', () => {
  it('counts over all workers, and then the next server is selected', () => {
    setUp({}, [{ server: '10.0.0.1:80', max_conns: 2 }, { server: '10.0.0.2:80' }]);
    const chosen = Array.from({ length: 20 }, (_, i) => request(100 + (i % 4)).address);
    expect(count(chosen)).toEqual({ '10.0.0.1:80': 2, '10.0.0.2:80': 18 });
  });

  it('refuses when all servers are full, and accepts again when a connection ends', () => {
    setUp({}, [{ server: '10.0.0.1:80', max_conns: 1 }]);
    expect(request().address).toBe('10.0.0.1:80');
    expect(request()).toMatchObject({ address: '', counter: '' });
    expect(active(1)).toBe(1);
    nginx.counters.incr('1/100', -1);
    expect(request().address).toBe('10.0.0.1:80');
  });

  it('counts the connections that were open before the limit was set', () => {
    setUp({}, [{ server: '10.0.0.1:80' }, { server: '10.0.0.2:80' }]);
    for (let i = 0; i < 6; i++) request(100 + i);
    servers.patchServer(nginx.worker(), 'firmware', 0, { max_conns: 3 });
    expect(count(Array.from({ length: 4 }, () => request(100).address))).toEqual({ '10.0.0.2:80': 4 });
  });
});

describe('least_conn', () => {
  it('selects the server with the fewest open requests', () => {
    setUp({ method: 'least_conn' }, numbered(3));
    for (let i = 0; i < 9; i++) request(100 + (i % 2));
    expect([1, 2, 3].map((uid) => active(uid, 100) + active(uid, 101))).toEqual([3, 3, 3]);
    nginx.counters.incr('2/100', -1);
    expect(request().address).toBe('10.0.0.1:80');
  });

  it('divides by the weights', () => {
    setUp({ method: 'least_conn' }, [{ server: '10.0.0.1:80', weight: 3 }, { server: '10.0.0.2:80' }]);
    for (let i = 0; i < 40; i++) request();
    expect([active(1), active(2)]).toEqual([30, 10]);
  });
});

describe('hash', () => {
  it('always gives a key its server, on the fast path and in the selection, and another one when that was tried', () => {
    setUp({ method: 'hash' }, numbered(5));
    fc.assert(
      fc.property(fc.webPath(), (uri) => {
        const { address, counter } = request(100, uri);
        expect(choose({ uri })).toBe(address);
        expect(request(101, uri).address).toBe(address);
        const uid = counter.split('/')[0];
        expect(choose({ uri, tried: `,${uid},` })).not.toBe(address);
      }),
    );
  });

  it('uses the variable that the group names, and nothing where that has no value', () => {
    setUp({ method: 'hash', key: '$device' }, numbered(5));
    const homes = (device: string | undefined) =>
      new Set(
        ['/a', '/b', '/c', '/d'].map(
          (request_uri) =>
            fastPath.choose(nginx.tables, nginx.counters, {
              pid: '100',
              upstream: 'firmware',
              request_uri,
              device,
            })?.[1],
        ),
      );
    expect(homes('one').size).toBe(1);
    expect(homes(undefined)).toEqual(homes(''));
    expect(
      new Set(['1', '2', '3', '4', '5', '6'].flatMap((device) => [...homes(device)])).size,
    ).toBeGreaterThan(1);
  });

  it('uses the ClientId of an MQTT session like the variable of that name', () => {
    setUp({ method: 'hash', key: '$mqtt_client_id' }, numbered(5));
    fc.assert(
      fc.property(fc.string(), (mqtt_client_id) => {
        const variables = { pid: '100', upstream: 'firmware', mqtt_client_id };
        const choice = fastPath.choose(
          nginx.tables,
          nginx.counters,
          { ...variables, mqtt_client_id: 'x' },
          mqtt_client_id,
        );
        expect(choice?.[1]).toBe(selection.select(nginx, variables, 'firmware', ',')?.[1]);
      }),
    );
  });
});
