/** Who may call the gateway's API, and how. */
import { execFileSync } from 'node:child_process';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../support/certificates.js';
import {
  API_TOKEN,
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';

const GROUP = '/api/9/http/upstreams/firmware/servers';
const SERVER = '{"server":"10.0.0.1:80"}';
const JSON_TYPE = { 'content-type': 'application/json' };
const BEARER = { authorization: `Bearer ${API_TOKEN}` };
const SOCKET = '/run/sidekick-gateway/api/api.sock';

const basic = (login: string) => ({ authorization: `Basic ${Buffer.from(login).toString('base64')}` });

interface Reply {
  status: number;
  code: string | undefined;
}

let network: TestNetwork;
const authority = new Authority();

/** Sends a request to a port as it stands; the body's error code comes with the status. */
async function ask(
  base: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  { body, tls }: { body?: string; tls?: object } = {},
): Promise<Reply> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false, ...tls } });
  const answer = await request(base + path, {
    method: method as 'GET',
    headers,
    body: body ?? null,
    dispatcher,
  });
  const text = await answer.body.text();
  await dispatcher.close();
  expect(answer.headers['content-type']).toBe('application/json');
  return { status: answer.statusCode, code: (JSON.parse(text) as { error?: { code: string } }).error?.code };
}

/** What `curl` says inside a container of the gateway's image, which has no curl: a status line over bash's own TCP. */
async function from(container: Container, host: string, lines: string[], body = ''): Promise<string> {
  const head = [...lines, 'Connection: close', ...(body ? [`Content-Length: ${body.length}`] : [])];
  const script = `exec 3<>/dev/tcp/${host}/8080 && printf '%s\\r\\n' "$@" '' >&3 && printf %s "$BODY" >&3 && head -1 <&3`;
  const { output } = await container.exec(['env', `BODY=${body}`, 'bash', '-c', script, 'bash', ...head]);
  return output.trim();
}

function start(
  name: string,
  environment: Record<string, string>,
  files: Record<string, string>,
): Promise<Container> {
  return startContainer({
    image: 'sidekick-gateway',
    name,
    network,
    ports: [80, 8080, 8443],
    environment,
    files,
    ready: (self) =>
      until('the gateway answers', async () => {
        const { status } = await fetch(`http://127.0.0.1:${self.port(80)}/`);
        return status === 502;
      }),
  });
}

beforeAll(async () => {
  network = await startNetwork();
});

afterAll(async () => {
  await network?.remove();
  authority[Symbol.dispose]();
});

describe('a gateway with its default configuration', () => {
  let gateway: Container;
  let backend: Container;

  beforeAll(async () => {
    gateway = await start('closed', {}, {});
    backend = await startContainer({
      image: 'sidekick-gateway',
      name: 'backend',
      network,
      command: ['sleep', '600'],
    });
  });

  it('has no API port that a backend could reach', async () => {
    const script = `exec 3<>/dev/tcp/${gateway.ip}/8080`;
    const { exitCode, output } = await backend.exec(['bash', '-c', script]);
    expect(exitCode).not.toBe(0);
    expect(output).toContain('Connection refused');
  });

  it('answers reads from its own host, and refuses changes without a credential', async () => {
    expect(await from(gateway, '127.0.0.1', [`GET ${GROUP} HTTP/1.1`, 'Host: localhost'])).toContain(
      '200 OK',
    );
    const post = [`POST ${GROUP} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json'];
    expect(await from(gateway, '127.0.0.1', post, SERVER)).toContain('401 Unauthorized');
  });

  it('accepts everything on its socket, which root and one group may open', async () => {
    const script = `
      use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => '${SOCKET}') or die "refused: $!\\n";
      my $b = '${SERVER}'; my $n = length $b;
      print $s "POST ${GROUP} HTTP/1.0\\r\\nContent-Length: $n\\r\\n\\r\\n$b"; print scalar <$s>;`;
    expect((await gateway.exec(['perl', '-e', script])).output).toContain('201 Created');
    expect(
      (
        await gateway.exec([
          'setpriv',
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          'perl',
          '-e',
          script,
        ])
      ).output,
    ).toContain('refused: Permission denied');
    expect(
      (
        await gateway.exec([
          'setpriv',
          '--reuid=10001',
          '--regid=10001',
          '--clear-groups',
          'perl',
          '-e',
          script,
        ])
      ).output,
    ).toContain('201 Created');
  });
});

describe('a gateway whose API is open to the network', () => {
  let gateway: Container;
  let base: string;
  let secure: string;

  beforeAll(async () => {
    const hash = execFileSync('openssl', ['passwd', '-6', 'pä:ss'], { encoding: 'utf8' }).trim();
    gateway = await start(
      'open',
      {
        GATEWAY_API_ALLOW: '0.0.0.0/0',
        GATEWAY_API_HOSTS: 'lb.example',
        GATEWAY_API_TOKEN_FILE: '/secrets/token',
      },
      {
        '/secrets/token': `an-older-token-of-tests\n${API_TOKEN}\n`,
        '/etc/sidekick-gateway/api.htpasswd': `watcher:${hash}\n`,
        '/etc/sidekick-gateway/api-ca.crt': authority.ca.toString(),
      },
    );
    base = `http://127.0.0.1:${gateway.port(8080)}`;
    secure = `https://127.0.0.1:${gateway.port(8443)}`;
  });

  const post = (headers: Record<string, string>, path = GROUP) =>
    ask(base, 'POST', path, { ...JSON_TYPE, ...headers }, { body: SERVER });
  const stream = '/api/9/stream/upstreams/mqtt/servers';
  const refusal = (status: number, code: string) => ({ status, code });

  it('accepts a bearer token, and no other', async () => {
    expect(await post(BEARER)).toEqual({ status: 201, code: undefined });
    expect(await post({ authorization: 'Bearer an-older-token-of-tests' })).toMatchObject({ status: 201 });
    expect(await post(BEARER, stream)).toMatchObject({ status: 201 });
    for (const wrong of [{}, { authorization: `Bearer ${API_TOKEN}x` }, { authorization: 'Bearer ' }])
      for (const path of [GROUP, stream])
        expect(await post(wrong, path)).toEqual(refusal(401, 'Unauthorized'));
  });

  it('accepts a user and password, and no other', async () => {
    expect(await post(basic('watcher:pä:ss'))).toMatchObject({ status: 201 });
    for (const wrong of ['watcher:pass', 'other:pä:ss', 'watcher:', ':'])
      expect(await post(basic(wrong))).toEqual(refusal(401, 'Unauthorized'));
  });

  it('accepts a client certificate of its authority, and no other', async () => {
    const send = (tls: object) => ask(secure, 'POST', GROUP, JSON_TYPE, { body: SERVER, tls });
    expect(await send(authority.issue('watcher'))).toMatchObject({ status: 201 });
    using stranger = new Authority();
    expect(await send(stranger.issue('watcher'))).toEqual(refusal(400, 'BadRequest'));
    expect(await send({})).toEqual(refusal(401, 'Unauthorized'));
  });

  it('refuses reads without a credential', async () => {
    for (const path of ['/api', '/api/', '/api/9/nginx', GROUP, stream]) {
      expect(await ask(base, 'GET', path)).toEqual(refusal(401, 'Unauthorized'));
      expect(await ask(base, 'GET', path, BEARER)).toMatchObject({ status: 200 });
    }
  });

  it('refuses a simple request from a page of another origin', async () => {
    const page = { 'content-type': 'text/plain', origin: 'http://evil.example' };
    for (const login of [{}, BEARER, basic('watcher:pä:ss')])
      for (const path of [GROUP, stream])
        expect(await post({ ...login, ...page }, path)).toEqual(refusal(403, 'OriginNotAllowed'));
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
      expect(await post({ ...BEARER, 'content-type': type })).toEqual(refusal(415, 'UnsupportedMediaType'));
  });

  it('accepts changes from its own pages with a credential', async () => {
    const page = { origin: base, 'content-type': 'text/plain;charset=UTF-8' };
    expect(await post({ ...basic('watcher:pä:ss'), ...page })).toMatchObject({ status: 201 });
    expect(await post(page)).toEqual(refusal(401, 'Unauthorized'));
  });

  it('answers only to its own host names', async () => {
    for (const host of ['lb.example', 'LB.example:8080', 'localhost', 'open', '10.1.2.3:8080', '[::1]'])
      expect(await ask(base, 'GET', '/api/', { ...BEARER, host })).toMatchObject({ status: 200 });
    for (const host of ['evil.example', 'localhost.evil.example', 'open.evil.example'])
      expect(await ask(base, 'GET', '/api/', { ...BEARER, host })).toEqual(refusal(403, 'HostNotAllowed'));
  });

  it('refuses changes that come through a proxy, even through its own public ports', async () => {
    expect(await post({ ...BEARER, 'x-forwarded-for': '10.0.0.9' })).toEqual(refusal(403, 'ProxyNotAllowed'));
    // As if the gateway's own address had been registered, and were allowed.
    const own = () =>
      ask(
        base,
        'POST',
        '/api/9/http/upstreams/backend/servers',
        { ...BEARER, ...JSON_TYPE },
        { body: `{"server":"${gateway.ip}:8080"}` },
      );
    expect(await own()).toEqual(refusal(400, 'UpstreamBadAddress'));
    const edit = (file: string, edited: string) => gateway.exec(['sed', '-i', edited, `/etc/nginx/${file}`]);
    await edit('gateway.json', `1s|{|{"allow": ["${gateway.ip}/32"],|`);
    await edit('nginx.conf', 's/set $upstream firmware/set $upstream backend/');
    await gateway.exec(['nginx', '-s', 'reload']);
    await until('the address is allowed', async () => (await own()).status === 201);
    const outside = `http://127.0.0.1:${gateway.port(80)}`;
    await until('the public port proxies to the API', async () => {
      const { code } = await ask(outside, 'POST', GROUP, { ...BEARER, ...JSON_TYPE }, { body: SERVER });
      return code === 'ProxyNotAllowed';
    });
    expect(await ask(outside, 'GET', GROUP, { host: 'localhost' })).toEqual(refusal(401, 'Unauthorized'));
  });

  it('answers requests that NGINX itself refuses with errors of the API', async () => {
    expect(await ask(base, 'GET', `/api/${'x'.repeat(20_000)}`)).toEqual(refusal(414, 'URITooLong'));
    expect(await ask(base, 'GET', '/api/', { 'x-long': 'x'.repeat(20_000) })).toEqual(
      refusal(400, 'BadRequest'),
    );
    expect(
      await ask(base, 'POST', GROUP, { ...BEARER, ...JSON_TYPE }, { body: ' '.repeat(1_000_000) }),
    ).toEqual(refusal(413, 'RequestEntityTooLarge'));
  });

  it('uses a changed token after a reload', async () => {
    await gateway.exec([
      'sh',
      '-c',
      'echo a-token-that-is-new >/secrets/token; gateway-api-access; nginx -s reload',
    ]);
    const fresh = { authorization: 'Bearer a-token-that-is-new' };
    await until('the new token is taken', async () => (await post(fresh)).status === 201);
    expect(await post(BEARER)).toEqual(refusal(401, 'Unauthorized'));
  });
});

describe('a gateway whose API is open for reads', () => {
  it('answers every read, and refuses changes without a credential', async () => {
    const gateway = await start('readable', { GATEWAY_API_ALLOW: '0.0.0.0/0', GATEWAY_API_READ: 'open' }, {});
    const base = `http://127.0.0.1:${gateway.port(8080)}`;
    expect(await ask(base, 'GET', GROUP)).toMatchObject({ status: 200 });
    expect(await ask(base, 'POST', GROUP, { ...JSON_TYPE, ...BEARER }, { body: SERVER })).toEqual({
      status: 401,
      code: 'Unauthorized',
    });
    expect(gateway.logs.lines.join('\n')).toContain('there is no credential');
  });

  it('admits only the networks of its list', async () => {
    const gateway = await start(
      'narrow',
      { GATEWAY_API_ALLOW: '192.0.2.0/24', GATEWAY_API_READ: 'open' },
      {},
    );
    expect(await ask(`http://127.0.0.1:${gateway.port(8080)}`, 'GET', '/api/')).toEqual({
      status: 403,
      code: 'Forbidden',
    });
  });
});

it.each([
  [{ GATEWAY_API_TOKEN_FILE: '/nonesuch' }, {}, 'GATEWAY_API_TOKEN_FILE: /nonesuch cannot be read'],
  [{}, { '/etc/sidekick-gateway/api.token': 'short\n' }, 'each of at least 16 characters'],
  [{}, { '/etc/sidekick-gateway/api.htpasswd': 'nonsense\n' }, 'name:hash'],
  [{ GATEWAY_API_ALLOW: '10.0.0.0/8; server_name x' }, {}, 'separated by spaces'],
  [{ GATEWAY_API_READ: 'on' }, {}, 'must be "open"'],
  [{ GATEWAY_API_ALLOW: '10.0.0.300' }, {}, 'invalid parameter "10.0.0.300"'],
] as [Record<string, string>, Record<string, string>, string][])(
  'a mistake prevents the start, and its reason is logged: %j %j',
  async (environment, files, reason) => {
    const container = await startContainer({
      image: 'sidekick-gateway',
      name: 'mistaken',
      network,
      environment,
      files,
    });
    await container.logs.waitFor((line) => line.includes(reason));
    await container.remove();
  },
);
