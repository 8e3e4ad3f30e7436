/** The configuration for NGINX Plus, as far as open-source NGINX can run it: who may call the API above all. */
import { execFileSync } from 'node:child_process';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../support/certificates.js';
import {
  type Container,
  startContainer,
  startNetwork,
  type TestNetwork,
} from '../../support/containers/index.js';
import { startPlus } from './nginx-plus.js';

const TOKEN = '0123456789abcdef0123456789abcdef';
const BEARER = { authorization: `Bearer ${TOKEN}` };
const BASIC = { authorization: `Basic ${Buffer.from('watcher:secret').toString('base64')}` };
const JSON_TYPE = { 'content-type': 'application/json' };
const GOOD = { ...BEARER, ...JSON_TYPE };

let network: TestNetwork;
const authority = new Authority();

beforeAll(async () => {
  network = await startNetwork();
});

afterAll(async () => {
  await network?.remove();
  authority[Symbol.dispose]();
});

function start(name: string, files: Record<string, string> = {}): Promise<Container> {
  return startPlus(network, { name, tls: authority.issue('server'), ports: [8443], files });
}

/** The status that a caller on the same host is answered with: `curl` in bash, since the image has none. */
async function inside(
  container: Container,
  method: string,
  fields: Record<string, string> = {},
): Promise<number> {
  const head = Object.entries({ Host: 'localhost', Connection: 'close', ...fields }).map((field) =>
    field.join(': '),
  );
  const script =
    'exec 3<>/dev/tcp/127.0.0.1/8080 && printf \'%s\\r\\n\' "$@" \'\' >&3 && read -r _ status _ <&3 && echo "$status"';
  const lines = [`${method} /api/9/nginx HTTP/1.1`, ...head];
  const { output } = await container.exec(['bash', '-c', script, 'bash', ...lines]);
  return Number(output.trim());
}

/** What a request that was let through is answered with by the page in the place of the API. */
const THROUGH = { GET: 200, POST: 405 };

describe('the API of NGINX Plus with its default configuration', () => {
  let plus: Container;

  beforeAll(async () => {
    plus = await start('plus');
  });

  it('answers reads from its own host, and refuses every change', async () => {
    expect(await inside(plus, 'GET')).toBe(THROUGH.GET);
    expect(await inside(plus, 'GET', { 'X-Forwarded-For': '10.0.0.9' })).toBe(401);
    for (const fields of [{}, JSON_TYPE, GOOD]) expect(await inside(plus, 'POST', fields)).toBe(401);
    // There is no list of passwords.
    expect(await inside(plus, 'POST', { ...BASIC, ...JSON_TYPE })).toBe(403);
  });

  it('has no port that others could reach', async () => {
    const beside = await startContainer({
      image: 'sidekick-gateway',
      name: 'beside',
      network,
      command: ['sleep', '600'],
    });
    for (const port of [8080, 8443]) {
      const { output } = await beside.exec(['bash', '-c', `exec 3<>/dev/tcp/${plus.ip}/${port}`]);
      expect(output).toContain('Connection refused');
    }
  });

  it('accepts everything on its socket', async () => {
    const script = `
      use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => '/run/nginx-api/api.sock') or die "refused: $!";
      print $s "POST /api/9/nginx HTTP/1.0\\r\\n\\r\\n"; print scalar <$s>;`;
    expect((await plus.exec(['perl', '-e', script])).output).toContain(`${THROUGH.POST}`);
  });
});

describe('the API of NGINX Plus, opened to the network', () => {
  let plus: Container;

  beforeAll(async () => {
    const hash = execFileSync('openssl', ['passwd', '-6', 'secret'], { encoding: 'utf8' }).trim();
    plus = await start('open', {
      'api-tokens.map': `"Bearer ${TOKEN}" 1;\n`,
      'api.htpasswd': `watcher:${hash}\n`,
      'api-hosts.map': 'lb.example.com 1;\n',
      'api-ca.crt': authority.ca.toString(),
      'api-network.conf':
        'listen 8443 ssl; allow 0.0.0.0/0; ssl_client_certificate api-ca.crt; ssl_verify_client optional;',
    });
  });

  async function ask(
    method: 'GET' | 'POST',
    headers: Record<string, string> = {},
    tls: object = {},
  ): Promise<number> {
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false, ...tls } });
    const url = `https://127.0.0.1:${plus.port(8443)}/api/9/nginx`;
    const { statusCode, body } = await request(url, { method, headers, dispatcher });
    await body.dump();
    await dispatcher.close();
    return statusCode;
  }

  it('accepts a bearer token, a name and password or a client certificate, and nothing else', async () => {
    for (const method of ['GET', 'POST'] as const) {
      for (const credential of [BEARER, BASIC])
        expect(await ask(method, { ...credential, ...JSON_TYPE })).toBe(THROUGH[method]);
      expect(await ask(method, JSON_TYPE, authority.issue('watcher'))).toBe(THROUGH[method]);
      const wrong = Buffer.from('watcher:secreT').toString('base64');
      for (const authorization of ['', 'Bearer', 'Bearer ', `Bearer ${TOKEN}0`, TOKEN, `Basic ${wrong}`])
        expect(await ask(method, { ...JSON_TYPE, authorization })).toBe(401);
      expect(await ask(method, JSON_TYPE)).toBe(401);
    }
    using stranger = new Authority();
    expect(await ask('POST', GOOD, stranger.issue('watcher'))).toBe(400);
  });

  it('answers only to its own host names', async () => {
    for (const host of ['localhost', 'lb.example.com', 'LB.example.com:8443', '10.1.2.3:8443', '[::1]'])
      expect(await ask('GET', { ...BEARER, host }), host).toBe(THROUGH.GET);
    const { output } = await plus.exec(['hostname']);
    expect(await ask('GET', { ...BEARER, host: output.trim() })).toBe(THROUGH.GET);
    for (const host of ['evil.example', 'localhost.evil.example', '10.1.2.3.evil.example'])
      expect(await ask('GET', { ...BEARER, host }), host).toBe(403);
  });

  it('refuses a change from a page of another origin, and one through a proxy', async () => {
    for (const origin of ['http://evil.example', 'null', 'https://127.0.0.1'])
      expect(await ask('POST', { ...GOOD, origin }), origin).toBe(403);
    const origin = `https://127.0.0.1:${plus.port(8443)}`;
    expect(await ask('POST', { ...BEARER, origin, 'content-type': 'text/plain' })).toBe(THROUGH.POST);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'])
      expect(await ask('POST', { ...BEARER, 'content-type': type }), type).toBe(415);
    for (const field of ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'])
      expect(await ask('POST', { ...GOOD, [field]: '1.2.3.4' }), field).toBe(403);
    expect(await ask('GET', { ...BEARER, via: 'x' })).toBe(THROUGH.GET);
  });

  it('accepts a change from its own host only with a credential', async () => {
    expect(await inside(plus, 'GET')).toBe(THROUGH.GET);
    expect(await inside(plus, 'POST', JSON_TYPE)).toBe(401);
    expect(await inside(plus, 'POST', GOOD)).toBe(THROUGH.POST);
  });
});
