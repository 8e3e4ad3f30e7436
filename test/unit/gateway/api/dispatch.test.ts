/** The API as a whole: its endpoints, its versions, and what it refuses. */
import { beforeEach, describe, expect, it } from 'vitest';
import { fc } from '../../../support/property.js';
import { Api, error } from '../support/api.js';

let api: Api;

beforeEach(() => {
  api = new Api();
});

const call: Api['call'] = (...request) => api.call(...request);

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

describe('the API without write access', () => {
  it('answers 405 to every change and still answers reads', () => {
    api.write = false;
    for (const method of ['POST', 'PATCH', 'DELETE'])
      expect(call(method, '/api/9/http/upstreams/firmware/servers/0', '{}')).toEqual(
        error(405, 'MethodDisabled', 'method disabled'),
      );
    expect(call('GET', '/api/9/http/upstreams/firmware/servers').status).toBe(200);
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
      expect(api.nginx.warnings).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});
