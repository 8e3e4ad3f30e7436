import { afterEach, describe, expect, it } from 'vitest';
import { createNginxApi } from '../../../../src/adapters/nginx/api.js';
import { NginxError } from '../../../../src/core/errors.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { NginxApiServer } from '../../../support/nginx-api-server.js';
import { HTTP, host } from '../../../support/watching.js';

const SIGNAL = new AbortController().signal;
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A client of an NGINX with one server, in whose place this text answers every path that matches. */
async function facing(path: RegExp, text: string, status = 200) {
  const nginx = new FakeNginx({ http: ['firmware'] });
  nginx.place(HTTP, host(1));
  const server = await NginxApiServer.start(nginx, {
    intercept(request, response) {
      if (!path.test(request.url ?? '')) return false;
      response.writeHead(status).end(text);
      return true;
    },
  });
  const api = createNginxApi({ name: 'lb', url: server.url });
  closers.push(
    () => server[Symbol.asyncDispose](),
    () => api.close(),
  );
  return api;
}

describe('the API client, given an answer that no NGINX gives', () => {
  it.each([
    ['the list of versions', /api\/$/, DEEP],
    ['the list of versions, with very many', /api\/$/, JSON.stringify(Array(300_000).fill(99))],
    ['who it is', /nginx$/, DEEP],
    ['the groups', /upstreams\/\?/, DEEP],
    ['the servers', /servers/, `[{"id":1,"server":"10.0.0.1:80","weight":${DEEP}}]`],
    ['the peers', /peers/, `{"peers":[{"id":1,"state":${DEEP}}]}`],
  ])('rejects with an error of that NGINX: %s', async (_, path, text) => {
    const api = await facing(path, text);
    const calls = Promise.all([
      api.identity(SIGNAL),
      api.upstreams('http', SIGNAL),
      api.upstream(HTTP, SIGNAL),
    ]);
    const error = await calls.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(NginxError);
    expect(error).toMatchObject({ code: 'BAD_ANSWER' });
    expect((error as Error).message.length).toBeLessThan(1_000);
  });

  it('reads counters as far as they are numbers, and those of an address that is there twice together', async () => {
    const peers = [
      { id: 0, server: '10.0.0.1:80', active: 2, requests: 10 },
      { id: 1, server: '10.0.0.1:80', active: 1, requests: 5 },
      { id: 2, server: '10.0.0.2:80', active: -1, requests: '7' },
      { id: 3, server: '10.0.0.3:1883', connections: 9 },
      { id: 4, server: 'unix:/run/x.sock', active: 1, requests: 1 },
      { id: 5, server: { a: 1 }, active: 1 },
    ];
    const api = await facing(/peers/, JSON.stringify({ peers }));
    expect(await api.traffic(HTTP, SIGNAL)).toEqual(
      new Map([
        ['10.0.0.1:80', { active: 3, total: 15 }],
        ['10.0.0.2:80', {}],
        ['10.0.0.3:1883', { total: 9 }],
      ]),
    );
  });

  it.each(['[]', '{}', '{"peers":{}}', '{"peers":[1]}', DEEP])(
    'rejects counters that are none with an error of that NGINX',
    async (text) => {
      const api = await facing(/peers/, text);
      await expect(api.traffic(HTTP, SIGNAL)).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    },
  );

  it('rejects a list of servers with a member of another type: a server that is left out would be taken for removed', async () => {
    const good = '{"id":0,"server":"10.0.0.1:80"}';
    for (const bad of [
      '{"id":1,"server":"10.0.0.2:80","weight":[[[[1]]]],"route":{"a":1}}',
      '{"id":"1","server":"10.0.0.2:80"}',
      '{"id":1,"server":null}',
      'null',
    ]) {
      const api = await facing(/servers/, `[${good},${bad}]`);
      await expect(api.upstream(HTTP, SIGNAL)).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    }
  });

  it('leaves an error text of a megabyte, and a code that is no word, out of the message', async () => {
    const body = JSON.stringify({ error: { code: `Upstream\u001b[2J`, text: 'x'.repeat(1_000_000) } });
    const api = await facing(/servers/, body, 404);
    const error = await api.upstream(HTTP, SIGNAL).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'BAD_ANSWER', status: 404 });
    expect((error as Error).message.length).toBeLessThan(1_000);
  });
});
