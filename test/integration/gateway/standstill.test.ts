import { afterAll, beforeAll, expect, it } from 'vitest';
import { API_TOKEN, startNetwork, type TestNetwork, until } from '../../support/containers/index.js';
import { hostAddress, startHttp } from './backends.js';
import { type FullGateway, startFullGateway } from './gateway.js';

/** A worker takes the lock that changes need, and says which it is. */
const MODULE = `
function take(r) { r.return(200, ngx.shared.http_tables.add(' lock/upstreams', String(process.pid)) + ' ' + process.pid); }
function give(r) { r.return(200, String(ngx.shared.http_tables.delete(' lock/upstreams'))); }
export default { take, give };
`;
const SERVER =
  'server { listen 8099; location = /take { js_import standstill from /tmp/standstill.js; js_content standstill.take; } location = /give { js_import standstill from /tmp/standstill.js; js_content standstill.give; } }';
const START = `sed -i 's,^http {,http { ${SERVER.replaceAll('/', '\\/').replaceAll(',', '\\,')},' /etc/nginx/nginx.conf && exec nginx -g 'daemon off;'`;
const SERVERS = '/http/upstreams/firmware/servers';

let network: TestNetwork;
let gateway: FullGateway;

beforeAll(async () => {
  network = await startNetwork();
  gateway = await startFullGateway(network, ['sh', '-c', START], { files: { '/tmp/standstill.js': MODULE } });
});

afterAll(async () => {
  await network?.remove();
});

/** Calls until a worker that runs has it: the kernel gives some connections to the one that was stopped. */
async function insist<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await call(AbortSignal.timeout(5_000));
    } catch (thrown) {
      if (tries > 10) throw thrown;
    }
  }
}

it('the gateway answers 503 and continues to serve while a stopped worker holds the lock', async () => {
  // Regression: the others waited for it in a loop, for five seconds each time, and served nothing.
  const { container } = gateway;
  const backend = await startHttp(await hostAddress(network));
  expect((await gateway.api.call('POST', SERVERS, { server: backend.server })).status).toBe(201);
  const inside = async (path: string) => {
    const script = `exec 3<>/dev/tcp/127.0.0.1/8099; printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    return (await container.exec(['bash', '-c', script])).output;
  };
  let pid = '';
  await until('a worker has the lock', async () => {
    pid = /true (\d+)/.exec(await inside('/take'))?.[1] ?? '';
    return pid !== '';
  });
  await container.exec(['sh', '-c', `kill -STOP ${pid}`]);

  const refused = await insist(async (signal) => {
    const answer = await fetch(`${gateway.api.base}/9${SERVERS}`, {
      method: 'POST',
      signal,
      headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
      body: '{"server":"10.9.9.9"}',
    });
    return { status: answer.status, body: (await answer.json()) as { error: { code: string } } };
  });
  expect(refused).toMatchObject({ status: 503, body: { error: { code: 'ServiceUnavailable' } } });
  for (let i = 0; i < 20; i++)
    expect(
      await insist(async (signal) =>
        (await fetch(`http://127.0.0.1:${gateway.port('http')}`, { signal })).text(),
      ),
    ).toBe(backend.server);

  await container.exec(['sh', '-c', `kill -CONT ${pid}`]);
  await until('the lock is free', async () => (await inside('/give')).includes('true'));
  await until(
    'changes are made again',
    async () => (await gateway.api.call('POST', SERVERS, { server: '10.9.9.9' })).status === 201,
  );
  await backend.close();
});
