/** What `nginx -t` says about configurations of one's own. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Container, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { startFullGateway } from './gateway.js';

let network: TestNetwork;
let container: Container;

beforeAll(async () => {
  network = await startNetwork();
  ({ container } = await startFullGateway(network));
});

afterAll(async () => {
  await network?.remove();
});

/** Checks the image's configuration with these servers in place of its own. */
async function check(...servers: string[]): Promise<{ exitCode: number; stderr: string }> {
  const configuration = `
    load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
    events {}
    http {
      include gateway/http.conf;
      ${servers.map((server, i) => `server { listen ${9000 + i}; ${server} }`).join('\n')}
    }`;
  return container.exec([
    'sh',
    '-c',
    'printf %s "$1" >/tmp/nginx.conf && rm -rf /tmp/check && cp -r /etc/nginx /tmp/check && mv /tmp/nginx.conf /tmp/check/ && nginx -t -c /tmp/check/nginx.conf',
    'sh',
    configuration,
  ]);
}

const PROXY = 'location / { set $upstream firmware; include gateway/proxy.conf; }';
const WEBSOCKET = 'location = /mqtt { set $upstream mqtt-websocket; include gateway/websocket.conf; }';
const SERVER = 'include gateway/server.conf;';

it.each([
  ['proxy.conf', PROXY],
  ['websocket.conf', WEBSOCKET],
])(
  'NGINX refuses a location with %s in a server without server.conf, and says what is missing',
  async (_, location) => {
    // Regression: it was accepted, and each request of which a server failed was answered with 500 and a line in the log.
    const { exitCode, stderr } = await check(`${SERVER} ${PROXY}`, location);
    expect(stderr).toContain('needs: include gateway/server.conf;');
    expect(exitCode).not.toBe(0);
  },
);

it('NGINX accepts locations whose server has server.conf, and servers that proxy to no group', async () => {
  const { exitCode, stderr } = await check(
    `${SERVER} ${PROXY} ${WEBSOCKET}`,
    `${PROXY} ${SERVER}`,
    'return 204;',
    'location / { proxy_pass https://10.0.0.1; }',
  );
  expect(stderr).toContain('test is successful');
  expect(exitCode).toBe(0);
});
