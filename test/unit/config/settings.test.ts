import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { registerScope } from '../../../src/config/options/register.js';
import { watchScope } from '../../../src/config/options/watch.js';
import { createFileReader } from '../../../src/config/secret.js';
import { registerSettings } from '../../../src/config/settings/register.js';
import { watchSettings } from '../../../src/config/settings/watch.js';
import type { Address } from '../../../src/core/address.js';
import { DEFAULT_SERVICE_LIMITS } from '../../../src/core/admission.js';
import { DEFAULT_GUARD } from '../../../src/core/guard.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import {
  DEFAULT_DRAIN_TIMEOUT,
  DEFAULT_PROBE_LIMITS,
  DEFAULT_TIMING,
} from '../../../src/daemon/watcher/options.js';
import { API_TOKEN, API_TOKEN_FILE } from '../../support/containers/gateway.js';
import { complaints, fileWith, load } from './support.js';

const ONE = { '--service': 'firmware', '--address': '10.0.0.11:8080' };
const ADDRESS = '10.0.0.11:8080' as Address;

function register(flags: Record<string, unknown>, env: Record<string, string> = {}) {
  return registerSettings(load(registerScope, { flags: { ...ONE, ...flags } }), env);
}

function watch(flags: Record<string, unknown>, file?: string) {
  return watchSettings(load(watchScope, { flags, ...(file === undefined ? {} : { file }) }), {});
}

const API = { '--nginx-api': 'http://lb:8080/api' };

describe('what is told to the registrar', () => {
  test('defaults', () => {
    const settings = register({});
    expect(settings).toMatchObject({
      ttl: 15_000,
      drainTimeout: 30_000,
      etcd: { endpoints: ['http://127.0.0.1:2379'], requestTimeout: 2000 },
      space: { services: '/services/', control: '/sidekick/' },
    });
    const spec = settings.services[0]?.at(ADDRESS);
    expect(spec?.registration).toEqual({
      service: 'firmware',
      address: ADDRESS,
      parameters: DEFAULT_PARAMETERS,
      drain: false,
      meta: {},
    });
    expect(spec?.probe).toEqual({ type: 'tcp', target: ADDRESS });
  });

  test('an http probe over TLS', () => {
    const ca = fileWith('PEM');
    const flags = {
      '--probe-type': 'http',
      '--probe-path': '/healthz',
      '--probe-tls': true,
      '--probe-ca': ca,
      '--probe-target': 'backend:8443',
    };
    expect(register(flags).services[0]?.at(ADDRESS).probe).toEqual({
      type: 'http',
      target: 'backend:8443',
      path: '/healthz',
      tls: { ca: Buffer.from('PEM'), insecure: false },
    });
  });

  test('an mqtt probe with a user', () => {
    const flags = {
      '--probe-type': 'mqtt',
      '--probe-version': '5',
      '--probe-username': 'probe',
      '--probe-password-file': fileWith('secret\n'),
    };
    expect(register(flags).services[0]?.at(ADDRESS).probe).toEqual({
      type: 'mqtt',
      target: ADDRESS,
      version: 5,
      username: 'probe',
      password: 'secret',
    });
  });

  test('an exec probe', () => {
    const flags = { '--probe-type': 'exec', '--probe-command': '/bin/check --fast' };
    expect(register(flags).services[0]?.at(ADDRESS).probe).toEqual({
      type: 'exec',
      command: ['/bin/check', '--fast'],
    });
  });

  test('the probe id changes with what is probed, and keeps secrets to itself', () => {
    const path = fileWith('');
    const flags = { '--probe-type': 'mqtt', '--probe-username': 'u', '--probe-password-file': path };
    const idOf = (password: string) => {
      writeFileSync(path, password);
      return register(flags).services[0]?.at(ADDRESS).probeId;
    };
    expect(idOf('secret-1')).toBe(idOf('secret-1'));
    expect(idOf('secret-1')).not.toBe(idOf('secret-2'));
    expect(idOf('secret-1')).not.toContain('secret');
  });
});

describe('secrets come from files', () => {
  test('a bare name is a credential of systemd', () => {
    const path = fileWith('hunter2\nmore', 'etcd-password');
    const flags = { '--etcd-username': 'sidekick', '--etcd-password-file': 'etcd-password' };
    const { etcd } = register(flags, { CREDENTIALS_DIRECTORY: dirname(path) });
    expect(etcd.auth).toEqual({ username: 'sidekick', password: 'hunter2' });
  });

  test('a path is a path, credentials or not', () => {
    const path = fileWith('hunter2');
    const flags = { '--etcd-username': 'sidekick', '--etcd-password-file': path };
    expect(register(flags, { CREDENTIALS_DIRECTORY: '/nonexistent' }).etcd.auth?.password).toBe('hunter2');
  });

  test('no option takes a secret itself', () => {
    const written = JSON.stringify(load(registerScope, { flags: ONE }).written);
    expect(written).not.toMatch(/"(password|token|secret)"/i);
  });
});

describe('what does not go together', () => {
  test.each([
    [{ '--etcd-username': 'u' }, 'etcd.passwordFile: is required: username and passwordFile go together'],
    [{ '--etcd-cert': '/dev/null' }, 'etcd.key: is required: cert and key go together'],
    [
      { '--etcd-server-name': 'etcd' },
      'etcd.endpoints: must be https:// URLs where etcd.ca, etcd.cert or etcd.serverName is given, got http://127.0.0.1:2379',
    ],
    [
      { '--etcd-endpoints': 'http://a,https://b' },
      'etcd.endpoints: must all be https:// or all http://, got http://a, https://b',
    ],
    [{ '--etcd-endpoints': ',' }, 'etcd.endpoints: must have at least one URL, got none'],
    [{ '--probe-path': '/' }, 'probe.path: is for probes of type http, and probe.type is tcp'],
    [{ '--probe-type': 'exec' }, 'probe.command: is required for probes of type exec'],
    [{ '--probe-insecure': true }, 'probe.insecure: needs probe.tls'],
  ])('%j', (flags, expected) => {
    expect(complaints(() => register(flags))).toContainEqual(expected);
  });

  test('a file that is not there or is empty', () => {
    const user = { '--etcd-username': 'u' };
    expect(complaints(() => register({ ...user, '--etcd-password-file': '/nonexistent/password' }))).toEqual([
      expect.stringMatching(
        /^etcd\.passwordFile: must be a file that can be read, got "\/nonexistent\/password": ENOENT/,
      ),
    ]);
    expect(complaints(() => register({ ...user, '--etcd-password-file': fileWith('\n') }))).toEqual([
      expect.stringMatching(/^etcd\.passwordFile: must be a file whose first line is the password, got /),
    ]);
  });

  test('two NGINX of one name, and two probes of one service', () => {
    const file = `
nginx: [{ api: "http://lb/api" }, { api: "http://lb/api/" }]
probes: [{ service: a }, { service: b }, { service: a }]`;
    expect(complaints(() => watch({}, file))).toEqual([
      'nginx[1].name: must be one that no other entry has, got lb again',
      'probes[2].service: must be one that no other entry has, got a again',
    ]);
  });

  test('TLS files for an NGINX without TLS', () => {
    expect(complaints(() => watch({ ...API, '--nginx-ca': fileWith('PEM') }))).toEqual([
      expect.stringMatching(/^nginx\.api: must be an https:\/\/ URL/),
    ]);
  });
});

describe('what is told to the watcher', () => {
  test('defaults are those of the core and the daemon', () => {
    const { watcher, nginx } = watch({ ...API, '--id': 'lb1' });
    expect(watcher).toMatchObject({
      id: 'lb1',
      leaseTtl: 15_000,
      drainTimeout: DEFAULT_DRAIN_TIMEOUT,
      guard: DEFAULT_GUARD,
      timing: DEFAULT_TIMING,
      upstreams: [],
      allow: {},
      limits: DEFAULT_SERVICE_LIMITS,
      probeLimits: DEFAULT_PROBE_LIMITS,
      nginxHosts: [],
    });
    expect(nginx).toEqual([{ name: 'lb:8080', url: 'http://lb:8080/api', timeout: 5000, connections: 9 }]);
  });

  test('a Unix socket and a token are options of an NGINX', () => {
    const api = 'unix:/run/sidekick-gateway/api/api.sock:/api';
    expect(watch({ '--nginx-api': api }).nginx).toMatchObject([{ name: 'localhost', url: api }]);
    expect(watch({ ...API, '--nginx-token-file': API_TOKEN_FILE }).nginx).toMatchObject([
      { auth: { token: API_TOKEN } },
    ]);
    const both = { '--nginx-username': 'lb', '--nginx-password-file': API_TOKEN_FILE };
    expect(() => watch({ ...API, ...both, '--nginx-token-file': API_TOKEN_FILE })).toThrow(/nginx.tokenFile/);
    expect(() => watch({ ...API, '--nginx-token-file': '/dev/null' })).toThrow(/first line is the token/);
    for (const wrong of ['unix:api.sock', 'unix:/a.sock:api', 'unix:'])
      expect(() => watch({ '--nginx-api': wrong })).toThrow(/unix:\/path/);
  });

  test('rules take the name of the service where they name no upstream', () => {
    const file =
      'upstreams: [{ service: mqtt, kind: stream, drainTimeout: 1m }, { service: fw, kind: http, upstream: f }]';
    expect(watch(API, file).watcher.upstreams).toEqual([
      { service: 'mqtt', kind: 'stream', upstream: 'mqtt', drainTimeout: 60_000 },
      { service: 'fw', kind: 'http', upstream: 'f' },
    ]);
  });

  test('networks are allowed by service, and for every other', () => {
    const { allow } = watch({ ...API, '--allow': ['a=10.0.0.0/8', '*=127.0.0.0/8,*=::1'] }).watcher;
    expect(Object.keys(allow)).toEqual(['a', '*']);
    expect(allow['*']).toHaveLength(2);
  });

  test('the address of an NGINX is one at which no server may be', () => {
    const hosts = (api: string) =>
      watch({ '--nginx-api': api }).watcher.nginxHosts.map(
        ([network, bits]) => `${network.toString()}/${bits}`,
      );
    expect(hosts('http://10.0.0.5:8080/api')).toEqual(['10.0.0.5/32']);
    expect(hosts('http://[2001:db8::5]:8080/api')).toEqual(['2001:db8::5/128']);
    expect(hosts('http://lb:8080/api')).toEqual([]);
  });

  test.each([
    ['auto', 'tcp', 'mqtt'],
    ['tcp', 'tcp', 'tcp'],
    ['mqtt', 'mqtt', 'mqtt'],
  ])('gatewayProbes %s: %s for http groups, %s for stream groups', (how, http, stream) => {
    const { gatewayProbe } = watch({ ...API, '--gateway-probes': how });
    expect(gatewayProbe?.('http').spec(ADDRESS)).toMatchObject({ type: http, target: ADDRESS });
    expect(gatewayProbe?.('stream').spec(ADDRESS)).toMatchObject({ type: stream, target: ADDRESS });
  });

  test('the gateway is probed by default as the group is used, by one client for each watcher', () => {
    const spec = (id: string) =>
      watch({ ...API, '--id': id })
        .gatewayProbe?.('stream')
        .spec(ADDRESS);
    expect(spec('lb1')).toEqual(spec('lb1'));
    expect(spec('lb1')).not.toEqual(spec('lb2'));
    expect(spec('lb1')).toMatchObject({
      type: 'mqtt',
      lasting: true,
      clientId: expect.stringMatching(/^[0-9a-z]{1,23}$/),
    });
    expect(watch({ ...API, '--gateway-probes': 'off' }).gatewayProbe).toBeUndefined();
  });

  test('probes by service, at the address of each instance', () => {
    const { probes } = watch(API, 'probes: [{ service: mqtt, type: mqtt, interval: 1s, fall: 2 }]');
    expect(probes.get('mqtt')?.spec(ADDRESS)).toEqual({ type: 'mqtt', target: ADDRESS });
    expect(probes.get('mqtt')?.health).toEqual({ interval: 1000, timeout: 2000, rise: 2, fall: 2 });
    expect(probes.get('firmware')).toBeUndefined();
  });

  test('an NGINX with a password and TLS', () => {
    const file = `
nginx:
  - { name: lb1, api: "https://lb1/api", username: u, passwordFile: ${fileWith('p')}, ca: ${fileWith('CA')} }`;
    expect(watch({}, file).nginx[0]).toMatchObject({
      name: 'lb1',
      auth: { username: 'u', password: 'p' },
      tls: { ca: 'CA' },
    });
  });
});

describe('URLs that cannot be right', () => {
  test.each([
    [
      'http://lb:8080/api/9',
      /^nginx\.api: must be the root of the API without its version, such as http:\/\/lb:8080\/api, got/,
    ],
    ['http://lb:8080/api/9/nginx', /without its version, such as http:\/\/lb:8080\/api, got/],
    ['http://lb:8080/api?fields=x', /without a query or fragment, such as http:\/\/lb:8080\/api, got/],
    ['http://lb:8080/dashboard.html', /and not a page, such as http:\/\/lb:8080\/api, got/],
  ])('nginx.api %s', (api, expected) => {
    expect(complaints(() => watch({ '--nginx-api': api }))[0]).toMatch(expected);
  });

  test.each(['http://etcd:2379/v3', 'http://etcd:2379/?x=1'])('etcd.endpoints %s', (endpoint) => {
    expect(complaints(() => watch({ ...API, '--etcd-endpoints': [endpoint] }))[0]).toMatch(
      /^etcd\.endpoints: must be scheme, host and port alone, such as http:\/\/etcd:2379, got/,
    );
  });

  test.each([
    [
      { '--nginx-api': 'http://127.0.0.1:8080' },
      /has no path, .* usually at http:\/\/127\.0\.0\.1:8080\/api$/,
    ],
    [{ ...API, '--etcd-endpoints': ['http://etcd'] }, /has no port, .*: http:\/\/etcd:2379$/],
    [{ ...API, '--etcd-endpoints': ['http://etcd:2380'] }, /members of etcd talk to each other/],
  ])('those that hardly can be right are warned of: %j', (flags, expected) => {
    expect(watch(flags).warnings.map(({ reason }) => reason)).toEqual([expect.stringMatching(expected)]);
  });

  test('the usual ones are not', () => {
    expect(watch(API).warnings).toEqual([]);
    expect(watch({ '--nginx-api': 'https://lb/internal/api' }).warnings).toEqual([]);
  });
});

describe('credentials on the way', () => {
  const password = () => fileWith('hunter2\n', 'password');
  const user = (endpoint: string) => ({
    ...API,
    '--etcd-username': 'root',
    '--etcd-password-file': password(),
    '--etcd-endpoints': [endpoint],
  });

  test('a password to etcd over plain http:// to another host is warned of', () => {
    expect(watch(user('http://etcd:2379')).warnings).toEqual([
      {
        key: 'etcd.passwordFile',
        reason: expect.stringMatching(/^the password goes to http:\/\/etcd:2379 unencrypted/) as string,
      },
    ]);
  });

  test.each(['http://127.0.0.1:2379', 'http://localhost:2379', 'http://[::1]:2379', 'https://etcd:2379'])(
    'not to %s',
    (endpoint) => {
      expect(watch(user(endpoint)).warnings).toEqual([]);
    },
  );

  test('a password to NGINX over plain http:// to another host is warned of', () => {
    const flags = { ...API, '--nginx-username': 'a', '--nginx-password-file': password() };
    expect(watch(flags).warnings).toEqual([
      {
        key: 'nginx.passwordFile',
        reason: expect.stringMatching(/^the password goes to http:\/\/lb:8080 unencrypted/) as string,
      },
    ]);
  });

  test('a password of a probe to another host without TLS is warned of', () => {
    const flags = { '--probe-type': 'mqtt', '--probe-username': 'a', '--probe-password-file': password() };
    expect(register(flags).warnings).toEqual([]);
    expect(register({ ...flags, '--probe-target': '127.0.0.1:1883' }).warnings).toEqual([]);
    expect(register({ ...flags, '--probe-target': 'broker:1883' }).warnings).toEqual([
      {
        key: 'probe.passwordFile',
        reason: expect.stringContaining('goes to broker:1883 unencrypted') as string,
      },
    ]);
  });

  const probe = (more: string, rest = '') =>
    `nginx: { api: "http://lb:8080/api" }\n${rest}\nprobes: [{ service: web, type: http, ${more} }]`;

  test.each([
    'headers: { Authorization: x }',
    'headers: { X-Api-Key: x }',
    'headers: { cookie: x }, tls: true, insecure: true',
  ])("a load balancer's probe does not send a credential to whatever address is registered: %s", (more) => {
    expect(complaints(() => watch({}, probe(more)))[0]).toMatch(
      /^probes\[0\]\.headers: would be sent to every address that is registered as web: name the networks/,
    );
  });

  test.each([
    probe('headers: { Authorization: x }', 'allow: { web: 10.0.0.0/8 }'),
    probe('headers: { Authorization: x }, tls: true'),
    probe('headers: { Host: example.org }'),
  ])('but it may where the addresses are limited or have to prove who they are: %s', (file) => {
    expect(watch({}, file).probes.size).toBe(1);
  });
});

describe('credentials of systemd', () => {
  test("an operator's command finds those of the project's running units", () => {
    const path = fileWith('hunter2\n', 'elsewhere');
    const root = dirname(path);
    for (const unit of ['other.service', 'sidekick-watch.service']) {
      mkdirSync(join(root, unit));
      writeFileSync(join(root, unit, 'etcd-password'), unit);
    }
    expect(createFileReader({}, root).password('a', 'etcd-password')).toBe('sidekick-watch.service');
  });

  test('where there are none, the message says how to name the file', () => {
    const lines = complaints(() =>
      watch({ ...API, '--etcd-username': 'root', '--etcd-password-file': 'no-such-password' }),
    );
    expect(lines[0]).toMatch(
      /^etcd\.passwordFile: .*ENOENT.*a bare name is a systemd credential.*give the path/,
    );
  });
});
