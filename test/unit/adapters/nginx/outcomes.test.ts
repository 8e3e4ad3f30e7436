import { afterEach, describe, expect, it } from 'vitest';
import { createNginxApi } from '../../../../src/adapters/nginx/api.js';
import { besideApi } from '../../../../src/adapters/nginx/location.js';
import { NEVER } from '../../../../src/async/abort.js';
import { NO_COUNTS } from '../../../../src/firmware/outcomes.js';
import { FakeNginx } from '../../../support/fake-nginx.js';
import { NginxApiServer } from '../../../support/nginx-api-server.js';

const REPORT = {
  ...{ epoch: '0123456789abcdef', sample: 1, flights: 3, downloads: 1 },
  counts: { lamp: { '1.3.0': { ...NO_COUNTS, offered: 3 } } },
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** What a client is told by an NGINX that answers this beside its API. */
async function told(status: number, body: string) {
  const paths: (string | undefined)[] = [];
  const server = await NginxApiServer.start(new FakeNginx({}), {
    intercept: (request, response) => {
      paths.push(request.url);
      response.writeHead(status).end(body);
      return true;
    },
  });
  closers.push(() => server[Symbol.asyncDispose]());
  const api = createNginxApi({ name: 'lb', url: server.url });
  closers.push(() => api.close());
  const report = await api.outcomes(NEVER).catch((error: unknown) => error);
  return { report, paths };
}

describe('the report of outcomes', () => {
  it('is read beside the API', async () => {
    const { report, paths } = await told(200, JSON.stringify(REPORT));
    expect(report).toMatchObject({
      epoch: REPORT.epoch,
      counts: new Map([['lamp', new Map([['1.3.0', { ...NO_COUNTS, offered: 3 }]])]]),
    });
    expect(paths).toEqual(['/firmware/outcomes']);
  });

  it('is none where NGINX has no such path', async () => {
    expect((await told(404, '<html>Not Found</html>')).report).toBeUndefined();
  });

  it.each([
    ['denies access', 403, '{}', { status: 403 }],
    ['says something else', 200, '{"epoch":"x"}', { code: 'BAD_ANSWER' }],
    ['says nothing', 200, '', { code: 'BAD_ANSWER' }],
    [
      'says too much',
      200,
      JSON.stringify({ ...REPORT, more: 'x'.repeat(5 * 1024 * 1024) }),
      { name: 'NginxError' },
    ],
  ])('is an error where NGINX %s', async (_, status, body, expected) => {
    expect((await told(status, body)).report).toMatchObject(expected);
  });

  it.each([
    ['http://127.0.0.1:8080/api', 'http://127.0.0.1:8080/firmware/outcomes'],
    ['https://lb.example.com/nginx/api/', 'https://lb.example.com/nginx/firmware/outcomes'],
    ['unix:/run/api.sock:/api', 'unix:/run/api.sock:/firmware/outcomes'],
    ['unix:/run/api.sock', 'unix:/run/api.sock:/firmware/outcomes'],
  ])('belongs to an API at %s at %s', (api, expected) => {
    expect(besideApi(api, '/firmware/outcomes')).toBe(expected);
  });
});
