import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { request as ask } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Gateway,
  startGateway,
  startNetwork,
  type TestNetwork,
} from '../../support/containers/index.js';
import { ApiClient, type Kind } from './client.js';

/** Largest body that the API takes, in bytes. */
const LARGEST_BODY = 128 * 1024;
const VERSIONS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Sends a path as it stands. */
async function request(options: { hostname: string; port: string; path: string }): Promise<unknown> {
  const [answer] = (await once(get(options), 'response')) as [IncomingMessage];
  return { status: answer.statusCode, body: JSON.parse(await text(answer)) as unknown };
}

let network: TestNetwork;
let gateway: Gateway;
let api: ApiClient;

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startGateway(network);
  api = new ApiClient(gateway.api);
});

afterAll(async () => {
  await network?.remove();
});

describe('the root of the API', () => {
  it('lists versions, with and without a slash', async () => {
    for (const path of ['', '/']) {
      const response = await fetch(gateway.api + path);
      expect(await response.json()).toEqual(VERSIONS);
    }
    for (const version of [0, 10])
      expect((await new ApiClient(gateway.api, version).get('/nginx')).body.error.code).toBe(
        'UnknownVersion',
      );
  });

  it('normalises a path as NGINX does', async () => {
    const servers = await api.get('/http/upstreams/firmware/servers');
    for (const path of [
      '//http///upstreams/firmware/servers',
      '/http/%75pstreams/firmware/servers',
      '/http/upstreams/./x/../firmware/servers/',
    ]) {
      // `fetch` takes the dots out itself.
      const { hostname, port } = new URL(gateway.api);
      const answer = await request({ hostname, port, path: `/api/9${path}` });
      expect(answer).toEqual({ status: 200, body: servers.body });
    }
    for (const path of ['//stream///upstreams//mqtt', '/%73tream/upstreams/m%71tt']) {
      const { hostname, port } = new URL(gateway.api);
      const answer = await request({ hostname, port, path: `/api/9${path}` });
      expect(answer).toMatchObject({ status: 200, body: { zone: 'mqtt' } });
    }
  });

  it('identifies the running NGINX', async () => {
    const { body } = await api.get('/nginx');
    // Whichever Debian has at the moment.
    const { output } = await gateway.container.exec(['nginx', '-v']);
    const [, version] = /nginx\/(\d+\.\d+\.\d+)/.exec(output) ?? [];
    const master = await gateway.container.exec(['cat', '/run/sidekick-gateway/nginx.pid']);
    expect(body).toMatchObject({ version, generation: 1, ppid: Number(master.output) });
    expect(
      (await fetch(`${gateway.api}/9/nginx?fields=generation`).then((r) => r.json())) as unknown,
    ).toEqual({
      generation: 1,
    });
    expect((await api.get('/processes')).body).toEqual({ respawned: 0 });
  });

  it('answers every request that exporters and dashboards make', async () => {
    const listed = async (path: string): Promise<string[]> =>
      ((await api.get(path)).body as string[]).map((name) => `${path}${name}`);
    const paths = (await Promise.all(['/', '/http/', '/stream/'].map(listed))).flat();
    expect(paths.length).toBeGreaterThan(15);
    for (const path of paths) expect((await api.get(path)).status, path).toBe(200);
    const before = (await api.get('/http/requests')).body.total as number;
    await fetch(gateway.httpUrl);
    expect((await api.get('/http/requests')).body.total).toBeGreaterThanOrEqual(before + 2);
    const { accepted, dropped, active } = (await api.get('/connections')).body;
    expect(accepted).toBeGreaterThan(0);
    expect(dropped).toBe(0);
    expect(active).toBeGreaterThan(0);
    // Nobody gets at the figures but through the API.
    for (const path of ['/gateway_stub_status', '/gateway_stream_status', '/gateway_api_failed'])
      expect((await fetch(gateway.api.replace('/api', path))).status).toBe(404);
  });

  it('shows the figures of both blocks to a request with a body as well', async () => {
    for (const body of [null, '{"server":"10.1.0.12:80"}']) {
      const answer = await ask(`${gateway.api}/9/slabs`, { method: 'GET', body });
      expect(await answer.body.json()).toMatchObject({ http_tables: {}, stream_tables: {} });
    }
  });

  it('answers 404 for any other path', async () => {
    for (const path of [
      '/nope',
      '/http/nope',
      '/stream/nope',
      '/http/upstreams/firmware/nope',
      '/stream/upstreams/mqtt/servers/0/0',
    ])
      expect(await api.get(path)).toMatchObject({ status: 404, body: { error: { code: 'PathNotFound' } } });
  });
});

describe.each(VERSIONS)('version %i', (version) => {
  const since = (first: number, name: string): string[] => (version >= first ? [name] : []);
  let old: ApiClient;

  beforeAll(() => {
    old = new ApiClient(gateway.api, version);
  });

  it('lists and answers the endpoints that NGINX Plus had in this version', async () => {
    const root = ['nginx', 'processes', 'connections', 'slabs', 'http', 'stream'];
    const http = ['requests', 'server_zones', ...since(5, 'location_zones'), 'caches'];
    const limits = [...since(6, 'limit_conns'), ...since(6, 'limit_reqs')];
    const stream = ['server_zones', ...since(6, 'limit_conns'), ...since(2, 'keyvals'), 'upstreams'];
    const listed: Record<string, string[]> = {
      '/': [...root, ...since(5, 'resolvers'), 'ssl', ...since(9, 'workers')],
      '/http/': [...http, ...limits, 'keyvals', 'upstreams'],
      '/stream/': stream,
    };
    for (const [path, names] of Object.entries(listed)) {
      expect((await old.get(path)).body, path).toEqual(names);
      for (const name of names) expect((await old.get(`${path}${name}`)).status, path + name).toBe(200);
    }
    const all = ['/resolvers', '/workers', '/http/location_zones', '/http/limit_reqs', '/stream/keyvals'];
    for (const path of all) {
      const [, kind, name] = /^\/(?:(http|stream)\/)?(.*)$/.exec(path) ?? [];
      const has = listed[kind ? `/${kind}/` : '/']?.includes(name ?? '');
      expect((await old.get(path)).status, path).toBe(has ? 200 : 404);
    }
  });

  it('names path and method in errors before version 4', async () => {
    for (const path of ['/nope', '/stream/nope']) {
      const { body } = await old.get(path);
      const named = { path: `/api/${version}${path}`, method: 'GET' };
      if (version < 4) expect(body).toMatchObject(named);
      else expect(Object.keys(body)).not.toContain('path');
    }
  });
});

describe.each([
  ['http', 'firmware', '10.9.9.1:8080'],
  ['stream', 'mqtt', '10.9.9.1:1883'],
] as [Kind, string, string][])('%s servers', (kind, upstream, server) => {
  const group = `/${kind}/upstreams/${upstream}`;
  const base = `${group}/servers`;

  beforeEach(async () => {
    await api.clear(kind, upstream);
  });

  it('adds, reads, changes and deletes a server', async () => {
    const added = await api.call('POST', `${base}/`, { server, weight: 2, max_conns: 7 });
    expect(added).toMatchObject({ status: 201, body: { server, weight: 2, max_conns: 7, down: false } });
    const { id } = added.body;
    expect(await api.get(`${base}/${id}`)).toEqual({ status: 200, body: added.body });
    expect(await api.get(`${base}/${id}/`)).toEqual({ status: 200, body: added.body });
    expect(await api.get(base)).toEqual({ status: 200, body: [added.body] });
    expect((await api.get(group)).body).toMatchObject({
      zone: upstream,
      peers: [{ id, server, name: server, state: 'up', active: 0, max_conns: 7 }],
    });
    expect(await api.call('PATCH', `${base}/${id}`, { down: 'true', weight: 3 })).toEqual({
      status: 200,
      body: { ...added.body, down: true, weight: 3 },
    });
    expect((await api.get(`/${kind}/upstreams/`)).body[upstream].peers).toMatchObject([{ state: 'down' }]);
    expect(await api.call('DELETE', `${base}/${id}`)).toEqual({ status: 200, body: [] });
    expect(await api.get(`${base}/${id}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'UpstreamServerNotFound', text: `server with ID "${id}" does not exist` } },
    });
  });

  it('accepts an address twice, under two different ids', async () => {
    const first = await api.call('POST', base, { server });
    const second = await api.call('POST', base, { server });
    expect(second.body.id).toBeGreaterThan(first.body.id);
    await api.call('DELETE', `${base}/${second.body.id}`);
    expect((await api.call('POST', base, { server })).body.id).toBeGreaterThan(second.body.id);
  });

  it('shows the states of the servers of the group in the requested fields', async () => {
    await api.call('POST', base, { server });
    const names = await fetch(`${gateway.api}/9/${kind}/upstreams/?fields=`).then((r) => r.json());
    expect(names).toContain(upstream);
    const zones = await fetch(`${gateway.api}/9${group}?fields=zone,zombies`).then((r) => r.json());
    expect(zones).toEqual({ zone: upstream, zombies: 0 });
    expect((await api.call('DELETE', group)).status).toBe(204);
  });

  it.each([
    ['POST', '', '{"server":', 415, 'JsonError'],
    ['POST', '', '', 415, 'JsonError'],
    ['POST', '', '{}', 400, 'UpstreamConfFormatError'],
    ['POST', '', '{"server":"1.2.3.4:80","nope":1}', 400, 'UpstreamConfFormatError'],
    ['POST', '', '{"server":"1.2.3.4:80","id":1}', 400, 'UpstreamConfFormatError'],
    ['POST', '', '{"server":"1.2.3.4:80","weight":{}}', 400, 'UpstreamConfFormatError'],
    ['POST', '', '{"server":"1.2.3.4:0"}', 400, 'UpstreamBadAddress'],
    ['POST', '', '{"server":"1.2.3.4:80","weight":0}', 400, 'UpstreamBadWeight'],
    ['POST', '', '{"server":"1.2.3.4:80","max_conns":-1}', 400, 'UpstreamBadMaxConns'],
    ['POST', '', '{"server":"1.2.3.4:80","max_fails":"x"}', 400, 'UpstreamBadMaxFails'],
    ['POST', '', '{"server":"1.2.3.4:80","fail_timeout":"x"}', 400, 'UpstreamBadFailTimeout'],
    ['POST', '', '{"server":"1.2.3.4:80","slow_start":"x"}', 400, 'UpstreamBadSlowStart'],
    ['POST', '', '{"server":"a.example:80"}', 400, 'UpstreamConfNoResolver'],
    ['GET', '/x', undefined, 400, 'UpstreamBadServerId'],
    ['PATCH', '/x', '{}', 400, 'UpstreamBadServerId'],
    ['DELETE', '/99999', undefined, 404, 'UpstreamServerNotFound'],
    ['PUT', '', '{}', 405, 'MethodDisabled'],
  ])('%s servers%s %s answers %i %s', async (method, path, body, status, code) => {
    expect(await api.call(method, base + path, body)).toMatchObject({
      status,
      body: { error: { status, code } },
    });
    expect((await api.get(base)).body).toEqual([]);
  });

  it('refuses to change an address or backup', async () => {
    const { id } = (await api.call('POST', base, { server })).body;
    expect(await api.call('PATCH', `${base}/${id}`, { server: '10.9.9.2:80' })).toMatchObject({
      status: 400,
      body: { error: { code: 'UpstreamServerImmutable', text: `server "${id}" address is immutable` } },
    });
    expect((await api.call('PATCH', `${base}/${id}`, { server, backup: false })).status).toBe(200);
    expect((await api.call('PATCH', `${base}/${id}`, { backup: true })).status).toBe(400);
  });

  it('answers 404 for a group that is not declared', async () => {
    for (const method of ['GET', 'POST'])
      expect(
        await api.call(
          method,
          `/${kind}/upstreams/nonesuch/servers`,
          method === 'POST' ? { server } : undefined,
        ),
      ).toMatchObject({ status: 404, body: { error: { code: 'UpstreamNotFound' } } });
  });

  it('loses no server when several clients add a hundred at a time', async () => {
    const adds = Array.from({ length: 100 }, (_, i) => api.call('POST', base, { server: `10.9.8.${i}:80` }));
    const ids = (await Promise.all(adds)).map(({ body }) => body.id as number);
    expect(new Set(ids).size).toBe(100);
    expect(((await api.get(base)).body as unknown[]).length).toBe(100);
    await Promise.all(ids.map((id) => api.call('DELETE', `${base}/${id}`)));
    expect((await api.get(base)).body).toEqual([]);
  }, 60_000);

  it('refuses a body that is too large', async () => {
    const answer = await api.call('POST', base, `{"server":"${'x'.repeat(1_000_000)}"}`);
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'RequestEntityTooLarge' } } });
  });

  it('accepts a body of the largest size', async () => {
    const body = `{"server":"${server}"}`.padEnd(LARGEST_BODY);
    const { status, body: added } = await api.call('POST', base, body);
    expect(status).toBe(201);
    await api.call('DELETE', `${base}/${added.id}`);
  });

  it.each([
    ['250 kB that are nested 50,000 deep', '{"a":'.repeat(50_000), 413],
    ['the largest size, nested', '{"a":'.repeat(LARGEST_BODY / 5), 200],
    ['60,000 characters of three bytes each', '€'.repeat(60_000), 413],
    ['40,000 characters of three bytes each', '€'.repeat(40_000), 200],
  ])('gives a request with a body of %s the same list as the next one', async (_what, body, status) => {
    const url = `${gateway.api}/9${base}`;
    const answer = await ask(url, { method: 'GET', body });
    expect([answer.statusCode, (await answer.body.json()) instanceof Object]).toEqual([status, true]);
    expect((await api.get(base)).status).toBe(200);
  });
});

describe('what only http servers have', () => {
  it('accepts route and drain for http servers only', async () => {
    await api.clear('http', 'firmware');
    const http = '/http/upstreams/firmware/servers';
    const { id } = (await api.call('POST', http, { server: '10.9.9.1', route: 'a' })).body;
    expect((await api.get(`${http}/${id}`)).body).toMatchObject({ server: '10.9.9.1:80', route: 'a' });
    expect((await api.call('PATCH', `${http}/${id}`, { drain: true })).body).toMatchObject({
      drain: true,
      down: false,
    });
    expect((await api.get('/http/upstreams/firmware')).body.peers[0].state).toBe('draining');
    expect((await api.call('PATCH', `${http}/${id}`, { down: false })).body).not.toHaveProperty('drain');
    for (const parameter of ['route', 'drain'])
      expect(
        await api.call('POST', '/stream/upstreams/mqtt/servers', {
          server: '10.9.9.1:1',
          [parameter]: 'true',
        }),
      ).toMatchObject({ status: 400, body: { error: { text: `unknown parameter "${parameter}"` } } });
    expect(await api.call('POST', '/stream/upstreams/mqtt/servers', { server: '10.9.9.1' })).toMatchObject({
      status: 400,
      body: { error: { code: 'UpstreamBadAddress' } },
    });
  });
});

describe('keyvals', () => {
  const zone = '/http/keyvals/firmware';

  beforeEach(async () => {
    await api.call('DELETE', zone);
  });

  it('adds, reads, changes and deletes a pair', async () => {
    expect((await api.call('POST', zone, { a: 'x', 'ä /?': 2 })).status).toBe(201);
    expect((await api.get(`${zone}/`)).body).toEqual({ a: 'x', 'ä /?': '2' });
    expect((await api.get('/http/keyvals')).body).toMatchObject({ firmware: { a: 'x' } });
    expect((await api.get(`${zone}?key=${encodeURIComponent('ä /?')}`)).body).toEqual({ 'ä /?': '2' });
    expect((await api.call('PATCH', zone, { a: 'y' })).status).toBe(204);
    expect((await api.call('PATCH', zone, { 'ä /?': null })).status).toBe(204);
    expect((await api.get(zone)).body).toEqual({ a: 'y' });
    expect((await api.call('DELETE', zone)).status).toBe(204);
    expect((await api.get(zone)).body).toEqual({});
  });

  it('refuses what the API of NGINX Plus refuses', async () => {
    await api.call('POST', zone, { a: 'x' });
    const refused = async (method: string, path: string, body: unknown, status: number, code: string) =>
      expect(await api.call(method, path, body)).toMatchObject({ status, body: { error: { code } } });
    await refused('POST', zone, { a: 'y' }, 409, 'KeyvalKeyExists');
    await refused('POST', zone, { b: '1', c: '2' }, 400, 'KeyvalFormatError');
    await refused('POST', zone, { b: { value: '1', expire: 5 } }, 400, 'KeyvalFormatError');
    await refused('POST', zone, '{', 415, 'JsonError');
    await refused('PATCH', zone, { b: '1' }, 404, 'KeyvalKeyNotFound');
    await refused('PATCH', zone, { a: '1', b: '2' }, 400, 'KeyvalFormatError');
    await refused('GET', `${zone}?key=b`, undefined, 404, 'KeyvalKeyNotFound');
    await refused('GET', '/stream/keyvals/nonesuch', undefined, 404, 'KeyvalNotFound');
    expect((await api.get(zone)).body).toEqual({ a: 'x' });
  });
});
