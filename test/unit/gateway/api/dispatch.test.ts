/** The API as a whole: every file of src/gateway/api without a test of its own name, through requests. */

import { beforeEach, describe, expect, it } from 'vitest';
import * as requestTarget from '../../../../src/gateway/api/request-target.js';
import * as stubStatus from '../../../../src/gateway/api/stub-status.js';
import { NEWEST } from '../../../../src/gateway/api/versions.js';
import * as traffic from '../../../../src/gateway/balance/traffic-counters.js';
import { fc } from '../../../support/property.js';
import { FakeNginx, respond } from '../support/memory.js';

const NGINX = {
  version: '1.26.3',
  address: '10.0.0.9',
  ppid: 1,
  generation: () => ({ number: 2, loaded: 1_700_000_000_000 }),
  servingWorkers: () => [12, 11],
  hasStream: () => true,
  stream: {
    slabs: { stream_tables: { pages: { used: 1, free: 2 } } },
    ssl: { handshakes: 3, session_reuses: 1 },
  },
  stubStatus: stubStatus.parseStubStatus(
    'Active connections: 7 \nserver accepts handled requests\n 20 19 90 \nReading: 0 Writing: 2 Waiting: 5 \n',
  ),
};

let nginx: FakeNginx;
let write: boolean;

beforeEach(() => {
  write = true;
  nginx = new FakeNginx({
    upstreams: { firmware: {}, backend: {} },
    keyvals: { plain: {}, timed: { timeout: '1m' } },
  });
});

function call(method: string, target: string, body: unknown = ''): { status: number; body: unknown } {
  const answer = respond(nginx.worker(), NGINX, {
    method,
    // As NGINX hands it on.
    path: requestTarget.pathOf(target),
    version: NEWEST,
    args: requestTarget.queryOf(target),
    body: typeof body === 'string' ? body : JSON.stringify(body),
    write,
    requestId: '0123456789abcdef0123456789abcdef',
  });
  return { status: answer.status, body: answer.text === '' ? undefined : JSON.parse(answer.text) };
}

function error(status: number, code: string, text: string): { status: number; body: unknown } {
  return {
    status,
    body: {
      error: { status, text, code },
      request_id: '0123456789abcdef0123456789abcdef',
      href: 'https://nginx.org/en/docs/http/ngx_http_api_module.html',
    },
  };
}

describe('the tree of endpoints', () => {
  it.each([
    ['/api', [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['/api/', [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['/api/1', ['nginx', 'processes', 'connections', 'slabs', 'http', 'stream', 'ssl']],
    ['/api/4', ['nginx', 'processes', 'connections', 'slabs', 'http', 'stream', 'ssl']],
    ['/api/5', ['nginx', 'processes', 'connections', 'slabs', 'http', 'stream', 'resolvers', 'ssl']],
    ['/api/4/http', ['requests', 'server_zones', 'caches', 'keyvals', 'upstreams']],
    ['/api/5/http/', ['requests', 'server_zones', 'location_zones', 'caches', 'keyvals', 'upstreams']],
    [
      '/api/9/',
      ['nginx', 'processes', 'connections', 'slabs', 'http', 'stream', 'resolvers', 'ssl', 'workers'],
    ],
    [
      '/api/9/http',
      [
        'requests',
        'server_zones',
        'location_zones',
        'caches',
        'limit_conns',
        'limit_reqs',
        'keyvals',
        'upstreams',
      ],
    ],
    ['/api/9/http/caches/', {}],
    ['/api/9/ssl', { handshakes: 3, session_reuses: 1 }],
    [
      '/api/9/workers',
      [
        { id: 0, pid: 11, http: { requests: { total: 0 } } },
        { id: 1, pid: 12, http: { requests: { total: 0 } } },
      ],
    ],
    ['/api/9/workers/1', { id: 1, pid: 12, http: { requests: { total: 0 } } }],
    [
      '/api/9/slabs',
      {
        http_tables: { pages: { used: 192, free: 8000 } },
        stream_tables: { pages: { used: 1, free: 2 } },
      },
    ],
    ['/api/9/slabs/http_tables', { pages: { used: 192, free: 8000 } }],
    ['/api/9/resolvers', {}],
    ['/api/9/connections', { accepted: 20, dropped: 1, active: 2, idle: 5 }],
    ['/api/9/http/requests', { total: 90, current: 2 }],
    ['/api/9/http/upstreams?fields=', ['firmware', 'backend']],
    ['/api/9/http/keyvals/?fields=', ['plain', 'timed']],
    ['/api/9/http/upstreams/firmware/servers', []],
    ['/api/9/processes', { respawned: 0 }],
    ['/api/9/nginx?fields=version,generation', { version: '1.26.3', generation: 2 }],
  ])('%s', (path, body) => {
    expect(call('GET', path)).toEqual({ status: 200, body });
  });

  it('ends a path with a slash or without', () => {
    call('POST', '/api/9/http/upstreams/firmware/servers/', { server: '10.0.0.1' });
    for (const path of [
      '/upstreams',
      '/upstreams/firmware',
      '/upstreams/firmware/servers/0',
      '/keyvals/plain',
    ])
      expect(call('GET', `/api/9/http${path}/`)).toEqual(call('GET', `/api/9/http${path}`));
  });

  it.each([
    '/api/9/nope',
    '/api/9/stream',
    '/api/9/stream/upstreams',
    '/api/8/workers',
    '/api/4/resolvers',
    '/api/4/http/location_zones',
    '/api/5/http/limit_reqs',
    '/api/5/http/limit_conns',
    '/api/9/nginx/x',
    '/api/9/slabs/http_tables/x',
    '/api/9/http/constructor',
    '/api/9/http/upstreams/firmware/peers',
    '/api/9/http//upstreams',
    '/api/9/http/keyvals/plain/x',
  ])('has no %s', (path) => {
    expect(call('GET', path)).toEqual(error(404, 'PathNotFound', 'path not found'));
  });

  it.each(['/api/0', '/api/10/', '/api/x/http', `/api/${'9'.repeat(5000)}`])('has no version %s', (path) => {
    expect(call('GET', path)).toEqual(error(404, 'UnknownVersion', 'unknown version'));
  });

  it.each([
    ['PUT', '/api/9/http/upstreams/firmware/servers'],
    ['POST', '/api/9/http/upstreams'],
    ['DELETE', '/api/9/http/upstreams/firmware/servers'],
    ['POST', '/api/9/nginx'],
    ['PATCH', '/api/9/'],
    ['PUT', '/api/9/http/keyvals/plain'],
  ])('rejects %s for %s', (method, path) => {
    expect(call(method, path, '{}')).toMatchObject({
      status: 405,
      body: { error: { code: 'MethodDisabled' } },
    });
  });
});

it.each([
  ['/api/9/slabs/x', 'SlabNotFound', 'slab not found'],
  ['/api/9/workers/2', 'WorkerNotFound', 'worker not found'],
  ['/api/9/resolvers/x', 'ResolverZoneNotFound', 'resolver zone not found'],
  ['/api/9/http/server_zones/x', 'ServerZoneNotFound', 'server zone not found'],
  ['/api/9/http/location_zones/constructor', 'LocationZoneNotFound', 'location zone not found'],
  ['/api/9/http/limit_reqs/x', 'LimitReqNotFound', 'limit_req not found'],
  ['/api/9/http/limit_conns/x', 'LimitConnNotFound', 'limit_conn not found'],
  ['/api/9/http/caches/x', 'CacheNotFound', 'cache not found'],
])('the name %s has its own error code, for a read and for a reset', (path, code, text) => {
  for (const method of ['GET', 'DELETE']) expect(call(method, path)).toEqual(error(404, code, text));
});

describe('an older version', () => {
  it('names path and method in its error objects, before version 4', () => {
    for (const version of [1, 2, 3])
      expect(call('GET', `/api/${version}/nope`).body).toMatchObject({
        error: { code: 'PathNotFound' },
        path: `/api/${version}/nope`,
        method: 'GET',
      });
    expect(call('GET', '/api/4/nope').body).not.toHaveProperty('path');
  });

  it('does not know drain before version 2', () => {
    const servers = '/http/upstreams/firmware/servers';
    call('POST', `/api/9${servers}`, { server: '10.0.0.1', drain: true });
    expect(call('GET', `/api/1${servers}`).body).toMatchObject([{ server: '10.0.0.1:80' }]);
    expect((call('GET', `/api/1${servers}`).body as object[])[0]).not.toHaveProperty('drain');
    expect((call('GET', `/api/2${servers}`).body as object[])[0]).toHaveProperty('drain', true);
    for (const [method, path] of [
      ['POST', servers],
      ['PATCH', `${servers}/0`],
    ] as const)
      expect(call(method, `/api/1${path}`, { server: '10.0.0.1:80', drain: true })).toMatchObject({
        status: 400,
        body: { error: { text: 'unknown parameter "drain"' } },
      });
  });

  it('never lets a pair expire before version 5', () => {
    const pair = { a: { value: '1', expire: 1000 } };
    expect(call('POST', '/api/4/http/keyvals/timed', pair)).toMatchObject({ status: 400 });
    expect(call('POST', '/api/5/http/keyvals/timed', pair)).toMatchObject({ status: 201 });
  });

  it('counts responses by code from version 7 on', () => {
    call('POST', '/api/9/http/upstreams/firmware/servers', { server: '10.0.0.1' });
    const responses = (version: number) =>
      (call('GET', `/api/${version}/http/upstreams/firmware`).body as { peers: { responses: object }[] })
        .peers[0]?.responses;
    expect(responses(6)).not.toHaveProperty('codes');
    expect(responses(7)).toHaveProperty('codes');
  });
});

describe('the API of statistics', () => {
  const zone = (kind: traffic.ZoneKind, name: string) =>
    traffic.zonePrefix(nginx.tables, nginx.counters, kind, name);
  const DONE = { status: 200, received: 10, sent: 20, answered: true };

  it('shows the counters of a server zone until they are reset', () => {
    nginx.workers = [10, 11, 12];
    const begin = zone('server_zones', 'firmware');
    traffic.countExchange(nginx.counters, begin, DONE);
    traffic.countExchange(nginx.counters, begin, { ...DONE, status: 404 });
    traffic.countExchange(nginx.counters, begin, { ...DONE, status: 499, sent: 0, answered: false });
    traffic.countHandshake(nginx.counters, begin, true);
    nginx.counters.incr(traffic.openCounter(begin, 11), 2);
    nginx.counters.incr(traffic.openCounter(begin, 99), 5);
    const classes = { '1xx': 0, '2xx': 1, '3xx': 0, '4xx': 1, '5xx': 0 };
    const shown = {
      processing: 2,
      requests: 3,
      responses: { ...classes, codes: { 200: 1, 404: 1 }, total: 2 },
      discarded: 1,
      received: 30,
      sent: 40,
      ssl: { handshakes: 1, session_reuses: 1 },
    };
    expect(call('GET', '/api/9/http/server_zones')).toEqual({ status: 200, body: { firmware: shown } });
    expect(call('GET', '/api/9/http/server_zones/firmware').body).toEqual(shown);
    expect(call('GET', '/api/7/http/server_zones/firmware').body).not.toHaveProperty('ssl');
    expect(call('GET', '/api/6/http/server_zones/firmware?fields=responses').body).toEqual({
      responses: { ...classes, total: 2 },
    });
    expect(call('DELETE', '/api/9/http/server_zones/firmware')).toEqual({ status: 204, body: undefined });
    expect(call('GET', '/api/9/http/server_zones/firmware').body).toMatchObject({
      processing: 2,
      requests: 0,
      responses: { codes: {}, total: 0 },
      received: 0,
      ssl: { handshakes: 0, session_reuses: 0 },
    });
  });

  it('shows the decisions of limits and caches', () => {
    for (const decided of ['PASSED', 'DELAYED', 'REJECTED_DRY_RUN', '', undefined])
      traffic.countDecision(nginx.counters, zone('limit_reqs', 'one'), decided);
    for (const decided of ['PASSED', 'REJECTED'])
      traffic.countDecision(nginx.counters, zone('limit_conns', 'addr'), decided);
    nginx.counters.incr(
      `${traffic.countDecision(nginx.counters, zone('caches', 'files'), 'HIT')}_bytes`,
      300,
    );
    expect(call('GET', '/api/9/http/limit_reqs').body).toEqual({
      one: { passed: 1, delayed: 1, rejected: 0, delayed_dry_run: 0, rejected_dry_run: 1 },
    });
    expect(call('GET', '/api/9/http/limit_conns').body).toEqual({
      addr: { passed: 1, rejected: 1, rejected_dry_run: 0 },
    });
    expect(call('GET', '/api/9/http/caches/files').body).toMatchObject({
      hit: { responses: 1, bytes: 300 },
      miss: { responses: 0, bytes: 0 },
    });
    for (const path of ['limit_reqs/one', 'limit_conns/addr', 'caches/files'])
      expect(call('DELETE', `/api/9/http/${path}`).status).toBe(204);
    expect(call('GET', '/api/9/http/caches/files').body).toMatchObject({ hit: { responses: 0, bytes: 0 } });
  });

  it('counts no names that the log cannot contain, and a limited number of names', () => {
    expect(zone('server_zones', 'a b')).toBe('');
    expect(zone('server_zones', 'x'.repeat(65))).toBe('');
    for (let i = 0; i < 1000; i++) zone('server_zones', `host-${i}`);
    expect(Object.keys(call('GET', '/api/9/http/server_zones').body as object)).toHaveLength(256);
  });

  it('begins again for the totals of this NGINX after a reset', () => {
    for (const path of ['/connections', '/http/requests', '/ssl', '/workers', '/workers/1', '/processes'])
      expect(call('DELETE', `/api/9${path}`), path).toEqual({ status: 204, body: undefined });
    expect(call('GET', '/api/9/connections').body).toEqual({ accepted: 0, dropped: 0, active: 2, idle: 5 });
    expect(call('GET', '/api/9/http/requests').body).toEqual({ total: 0, current: 2 });
  });

  it('shows a worker by its number, whichever process has it', () => {
    nginx.counters.set(traffic.workerSlot(0), 12);
    nginx.counters.set(traffic.workerSlot(1), 11);
    nginx.counters.incr(traffic.workerRequests(1), 7);
    expect(call('GET', '/api/9/workers').body).toEqual([
      { id: 0, pid: 12, http: { requests: { total: 0 } } },
      { id: 1, pid: 11, http: { requests: { total: 7 } } },
    ]);
    nginx.counters.set(traffic.workerSlot(1), 10);
    expect(call('GET', '/api/9/workers/1').body).toMatchObject({ id: 1, pid: 11 });
    expect(call('DELETE', '/api/9/workers/1').status).toBe(204);
    expect(call('GET', '/api/9/workers/1').body).toMatchObject({ http: { requests: { total: 0 } } });
  });

  it('needs write access for a reset', () => {
    write = false;
    for (const path of ['/connections', '/http/requests', '/ssl', '/workers', '/slabs/http_tables'])
      expect(call('DELETE', `/api/9${path}`)).toMatchObject({ status: 405 });
  });
});

it('a group with a hash method accepts no backup, as in NGINX', () => {
  nginx = new FakeNginx({ upstreams: { firmware: { method: 'hash' } } });
  const servers = '/api/9/http/upstreams/firmware/servers';
  expect(call('POST', servers, { server: '10.0.0.1', backup: true })).toMatchObject({
    status: 400,
    body: { error: { code: 'UpstreamNoBackup' } },
  });
  expect(call('POST', servers, { server: '10.0.0.1', backup: false }).status).toBe(201);
});

it.each([
  ['15', '15s'],
  [15, '15s'],
  ['1m30s', '90s'],
  ['1500ms', '1500ms'],
  ['2000ms', '2s'],
])('the time %j is shown as %s', (fail_timeout, shown) => {
  const body = { server: '10.0.0.1', fail_timeout };
  expect(call('POST', '/api/9/http/upstreams/firmware/servers', body).body).toMatchObject({
    fail_timeout: shown,
  });
});

it.each([
  ['server', 'a.'.repeat(100_000)],
  ['server', '1'.repeat(400)],
  ['weight', '1'.repeat(400)],
  ['max_conns', Number.MAX_VALUE],
  ['fail_timeout', '1'.repeat(400)],
  ['fail_timeout', `${'1'.repeat(40)}x`],
  ['slow_start', '9'.repeat(12)],
  ['route', 'x'.repeat(100_000)],
  ['x'.repeat(100_000), 1],
])('a body with %.20s of any length is refused at once, in a short answer', (name, value) => {
  const answer = call('POST', '/api/9/http/upstreams/firmware/servers', {
    server: '10.0.0.1',
    [name]: value,
  });
  expect(answer.status).toBe(400);
  expect(JSON.stringify(answer.body).length).toBeLessThan(1000);
});

it('a body of keys without end is refused, and so is a key without end', () => {
  const keys = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${i}`, 'x']));
  expect(call('POST', '/api/9/http/keyvals/plain', keys(1001))).toMatchObject({
    status: 413,
    body: { error: { code: 'RequestEntityTooLarge' } },
  });
  expect(call('POST', '/api/9/http/keyvals/plain', { ['k'.repeat(1025)]: 'x' })).toMatchObject({
    status: 400,
    body: { error: { text: 'too long key' } },
  });
  expect(call('GET', '/api/9/http/keyvals/plain').body).toEqual({});
  expect(call('POST', '/api/9/http/keyvals/plain', keys(1000)).status).toBe(201);
});

describe('the API without write access', () => {
  it('answers 405 to every change and still answers reads', () => {
    write = false;
    for (const method of ['POST', 'PATCH', 'DELETE'])
      expect(call(method, '/api/9/http/upstreams/firmware/servers/0', '{}')).toEqual(
        error(405, 'MethodDisabled', 'method disabled'),
      );
    expect(call('GET', '/api/9/http/upstreams/firmware/servers').status).toBe(200);
  });
});

describe('the API of servers', () => {
  const base = '/api/9/http/upstreams/firmware/servers';
  const shown = {
    id: 0,
    server: '10.0.0.1:80',
    weight: 1,
    max_conns: 0,
    max_fails: 1,
    fail_timeout: '10s',
    slow_start: '0s',
    route: '',
    backup: false,
    down: false,
  };

  it('adds, reads, changes and removes a server', () => {
    expect(call('POST', `${base}/`, { server: '10.0.0.1' })).toEqual({ status: 201, body: shown });
    expect(call('GET', `${base}/0`)).toEqual({ status: 200, body: shown });
    expect(call('PATCH', `${base}/0`, { drain: true })).toEqual({
      status: 200,
      body: { ...shown, drain: true },
    });
    expect(call('PATCH', `${base}/0`, { down: 'false' })).toEqual({ status: 200, body: shown });
    call('POST', base, { server: '10.0.0.2', weight: 9 });
    expect(call('DELETE', `${base}/0`)).toMatchObject({ status: 200, body: [{ id: 1, weight: 9 }] });
    expect(call('DELETE', `${base}/1`)).toEqual({ status: 200, body: [] });
  });

  it('checks the body before the group, and JSON before the body', () => {
    const nowhere = '/api/9/http/upstreams/nonesuch/servers';
    expect(call('POST', nowhere, '{')).toEqual(error(415, 'JsonError', 'json error'));
    expect(call('POST', nowhere, { weight: 0, server: '1.2.3.4' })).toMatchObject({ status: 400 });
    expect(call('POST', nowhere, { server: '1.2.3.4' })).toEqual(
      error(404, 'UpstreamNotFound', 'upstream not found'),
    );
  });

  it('accepts only numbers as ids', () => {
    for (const id of ['x', '-1', '1.5', '99999999999'])
      expect(call('GET', `${base}/${id}`)).toEqual(error(400, 'UpstreamBadServerId', 'invalid server ID'));
    expect(call('GET', `${base}/7`)).toEqual(
      error(404, 'UpstreamServerNotFound', 'server with ID "7" does not exist'),
    );
  });

  it('resets the statistics of the servers of a group by DELETE', () => {
    call('POST', base, { server: '10.0.0.1' });
    nginx.counters.incr('1/sent', 100);
    expect(call('DELETE', '/api/9/http/upstreams/firmware')).toEqual({ status: 204, body: undefined });
    expect(call('GET', '/api/9/http/upstreams/firmware')).toMatchObject({ body: { peers: [{ sent: 0 }] } });
  });

  it('accepts changes while the disk is full, and the group reports that until its state is written again', () => {
    // Regression: POST, PATCH and DELETE answered 500, so that a server that had died could not be taken out.
    const group = '/api/9/http/upstreams/firmware';
    nginx.diskError = new Error('ENOSPC');
    expect(call('POST', base, { server: '10.0.0.1' })).toMatchObject({ status: 201 });
    expect(call('PATCH', `${base}/0`, { drain: true })).toMatchObject({ status: 200 });
    expect(call('DELETE', `${base}/0`)).toEqual({ status: 200, body: [] });
    expect(call('GET', group)).toMatchObject({ body: { state: 'stale' } });
    nginx.diskError = undefined;
    nginx.settle();
    expect(call('GET', group).body).not.toHaveProperty('state');
  });
});

describe('the API of keyvals', () => {
  const plain = '/api/9/http/keyvals/plain';
  const timed = '/api/9/http/keyvals/timed';

  it('adds, reads, changes and deletes a pair', () => {
    expect(call('POST', plain, { a: 'x', b: 2 })).toEqual({ status: 201, body: undefined });
    expect(call('GET', plain)).toEqual({ status: 200, body: { a: 'x', b: '2' } });
    expect(call('GET', '/api/9/http/keyvals')).toEqual({
      status: 200,
      body: { plain: { a: 'x', b: '2' }, timed: {} },
    });
    expect(call('GET', `${plain}?key=b`)).toEqual({ status: 200, body: { b: '2' } });
    expect(call('PATCH', plain, { a: 'y' })).toEqual({ status: 204, body: undefined });
    expect(call('PATCH', plain, { b: null })).toEqual({ status: 204, body: undefined });
    expect(call('GET', plain)).toEqual({ status: 200, body: { a: 'y' } });
    expect(call('DELETE', plain)).toEqual({ status: 204, body: undefined });
    expect(call('GET', plain)).toEqual({ status: 200, body: {} });
  });

  it.each([
    ['GET', '/api/9/http/keyvals/nonesuch', '', 404, 'KeyvalNotFound', 'keyval not found'],
    ['GET', `${plain}?key=zz`, '', 404, 'KeyvalKeyNotFound', 'key "zz" not found'],
    ['GET', `${plain}?key=constructor`, '', 404, 'KeyvalKeyNotFound', 'key "constructor" not found'],
    ['POST', plain, '{', 415, 'JsonError', 'json error'],
    ['POST', plain, '[]', 400, 'KeyvalFormatError', 'invalid JSON'],
    ['POST', plain, '{}', 400, 'KeyvalFormatError', 'key required'],
    ['POST', plain, '{"":"x"}', 400, 'KeyvalFormatError', 'key required'],
    ['POST', plain, '{"k":["x"]}', 400, 'KeyvalFormatError', 'invalid key format'],
    ['POST', plain, '{"k":null}', 400, 'KeyvalFormatError', 'invalid key format'],
    [
      'POST',
      plain,
      '{"k":{"value":"x","expire":5}}',
      400,
      'KeyvalFormatError',
      'keyval timeout is not enabled',
    ],
    [
      'POST',
      timed,
      '{"k":{"value":"x","expire":"soon"}}',
      400,
      'KeyvalFormatError',
      'invalid "expire" value',
    ],
    ['POST', plain, '{"a":"again"}', 409, 'KeyvalKeyExists', 'key "a" already exists'],
    ['POST', plain, '{"c":"1","d":"2"}', 400, 'KeyvalFormatError', 'only one key can be added'],
    ['PATCH', plain, '{"c":"1","d":"2"}', 400, 'KeyvalFormatError', 'only one key can be updated'],
    ['PATCH', plain, '{"c":"1"}', 404, 'KeyvalKeyNotFound', 'key "c" not found'],
  ])('answers %s %s %s with %i', (method, path, body, status, code, text) => {
    call('POST', plain, { a: 'x' });
    expect(call(method, path, body)).toEqual(error(status, code, text));
    expect(call('GET', plain).body).toEqual({ a: 'x' });
  });

  it('accepts any key', () => {
    for (const key of ['constructor', 'toString', 'a b', 'ä/ö?', ' lead', 'a:b']) {
      expect(call('POST', plain, { [key]: key })).toMatchObject({ status: 201 });
      expect(call('GET', `${plain}?key=${encodeURIComponent(key)}`)).toEqual({
        status: 200,
        body: { [key]: key },
      });
    }
  });

  it('removes a pair after its own expire, or the timeout of the zone', () => {
    call('POST', timed, { own: { value: 'x', expire: 5000 } });
    call('POST', timed, { zone: 'y' });
    nginx.pass(4999);
    expect(call('GET', timed).body).toEqual({ own: 'x', zone: 'y' });
    nginx.pass(1);
    expect(call('GET', timed).body).toEqual({ zone: 'y' });
    expect(call('GET', `${timed}?key=own`).status).toBe(404);
    expect(call('POST', timed, { own: 'again' }).status).toBe(201);
    nginx.pass(55_000);
    expect(call('GET', timed).body).toEqual({ own: 'again' });
    call('PATCH', timed, { own: { expire: 1_000_000 } });
    nginx.pass(900_000);
    expect(call('GET', timed).body).toEqual({ own: 'again' });
  });

  it('frees the memory of expired pairs once the zone has changed', () => {
    for (let i = 0; i < 5; i++) call('POST', timed, { [`key-${i}`]: { value: 'x', expire: 10 } });
    nginx.pass(10);
    call('POST', timed, { fresh: 'y' });
    expect([...nginx.keyvals.entries.keys()].filter((key) => key.startsWith('timed '))).toEqual([
      'timed fresh',
    ]);
  });

  it('keeps pairs over a restart, except the expired ones', () => {
    call('POST', plain, { a: 'ä "quoted" \n' });
    call('POST', timed, { short: { value: 'x', expire: 10 } });
    call('POST', timed, { long: 'y' });
    nginx.settle();
    nginx = nginx.restarted();
    nginx.pass(11);
    expect(call('GET', '/api/9/http/keyvals').body).toEqual({
      plain: { a: 'ä "quoted" \n' },
      timed: { long: 'y' },
    });
  });

  it('begins with no pairs, and a warning, when their state is invalid', () => {
    nginx.files.set('keyval.plain', '{"a":');
    expect(call('GET', plain)).toEqual({ status: 200, body: {} });
    expect(nginx.warnings).toHaveLength(1);
    expect(call('POST', plain, { a: 'x' }).status).toBe(201);
    nginx.settle();
    nginx = nginx.restarted();
    expect(call('GET', plain).body).toEqual({ a: 'x' });
  });

  it('separates zones whose names begin alike', () => {
    nginx = new FakeNginx({ keyvals: { ota: {}, 'ota-2': {} } });
    call('POST', '/api/9/http/keyvals/ota', { a: '1' });
    call('POST', '/api/9/http/keyvals/ota-2', { b: '2' });
    call('DELETE', '/api/9/http/keyvals/ota');
    expect(call('GET', '/api/9/http/keyvals').body).toEqual({ ota: {}, 'ota-2': { b: '2' } });
  });
});

it('the API answers any request with a valid answer', () => {
  const method = fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT', 'BREW');
  const segment = fc.oneof(
    fc.constantFrom(
      'http',
      'upstreams',
      'servers',
      'firmware',
      'keyvals',
      'plain',
      '0',
      '9',
      'constructor',
      '',
    ),
    fc.string(),
  );
  const target = fc.array(segment, { maxLength: 6 }).map((segments) => `/api/9/${segments.join('/')}`);
  const body = fc.oneof(fc.string(), fc.json());
  fc.assert(
    fc.property(method, target, body, (given, path, text) => {
      const { status } = call(given, path, text);
      expect([200, 201, 204, 400, 404, 405, 409, 415]).toContain(status);
      expect(nginx.warnings).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});
