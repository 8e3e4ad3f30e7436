import { describe, expect, it } from 'vitest';
import { DEFAULT_SERVICE_LIMITS } from '../../../src/core/admission.js';
import { DEFAULT_GUARD } from '../../../src/core/guard.js';
import { DEFAULT_LEASE_TTL } from '../../../src/daemon/lease/options.js';
import {
  DEFAULT_DRAIN_TIMEOUT,
  DEFAULT_PROBE_LIMITS,
  DEFAULT_TIMING,
} from '../../../src/daemon/watcher/options.js';
import { API_TOKEN, API_TOKEN_FILE } from '../../support/containers/gateway.js';
import { ADDRESS, API, complaints, fileWith, watch } from './support.js';

describe('watchSettings', () => {
  it('uses the defaults of the core, the lease and the daemon', () => {
    const { watcher, nginx } = watch({ ...API, '--id': 'lb1' });
    expect(watcher).toMatchObject({
      id: 'lb1',
      leaseTtl: DEFAULT_LEASE_TTL,
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

  it('accepts a Unix socket and a token for an NGINX', () => {
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

  it('reads the token of the admin address, and watches its file', () => {
    const file = fileWith(`${API_TOKEN}\nanother line`);
    const { admin, filesRead, warnings } = watch({ ...API, '--admin-token-file': file });
    expect(admin).toEqual({ token: API_TOKEN });
    expect([...filesRead.keys()]).toContain(file);
    expect(warnings).toEqual([]);
    expect(watch(API).admin).toEqual({ token: undefined });
  });

  it.each(['', 'short', 'with spaces in between it'])('refuses "%s" as that token', (token) => {
    const flags = { ...API, '--admin-token-file': fileWith(token) };
    expect(() => watch(flags)).toThrow(/^admin\.tokenFile: must be a file whose first line is /);
  });

  it('warns where that token crosses the network unencrypted', () => {
    const file = fileWith(API_TOKEN);
    const warned = (listen: string) =>
      watch({ ...API, '--admin-token-file': file, '--admin-listen': listen }).warnings.map(({ key }) => key);
    expect(warned('0.0.0.0:9464')).toEqual(['admin.tokenFile']);
    for (const own of ['127.0.0.1:9464', '[::1]:9464', 'off']) expect(warned(own)).toEqual([]);
  });

  it('accepts a password and TLS for an NGINX', () => {
    const file = `
nginx:
  - { name: lb1, api: "https://lb1/api", username: u, passwordFile: ${fileWith('p')}, ca: ${fileWith('CA')} }`;
    expect(watch({}, file).nginx[0]).toMatchObject({
      name: 'lb1',
      auth: { username: 'u', password: 'p' },
      tls: { ca: Buffer.from('CA') },
    });
  });

  it('refuses TLS files for an NGINX without TLS', () => {
    expect(complaints(() => watch({ ...API, '--nginx-ca': fileWith('PEM') }))).toEqual([
      expect.stringMatching(/^nginx\.api: must be an https:\/\/ URL/),
    ]);
  });

  it('refuses two NGINX with one name and two probes of one service', () => {
    const file = `
nginx: [{ api: "http://lb/api" }, { api: "http://lb/api/" }]
probes: [{ service: a }, { service: b }, { service: a }]`;
    expect(complaints(() => watch({}, file))).toEqual([
      'nginx[1].name: must be different from that of every other entry, got lb again',
      'probes[2].service: must be different from that of every other entry, got a again',
    ]);
  });

  it('maps a service to the upstream of its name if the rule names none', () => {
    const file =
      'upstreams: [{ service: mqtt, kind: stream, drainTimeout: 1m }, { service: fw, kind: http, upstream: f }]';
    expect(watch(API, file).watcher.upstreams).toEqual([
      { service: 'mqtt', kind: 'stream', upstream: 'mqtt', drainTimeout: 60_000 },
      { service: 'fw', kind: 'http', upstream: 'f' },
    ]);
  });

  it('allows networks by service, and for every other service', () => {
    const { allow } = watch({ ...API, '--allow': ['a=10.0.0.0/8', '*=127.0.0.0/8,*=::1'] }).watcher;
    expect(Object.keys(allow)).toEqual(['a', '*']);
    expect(allow['*']).toHaveLength(2);
  });

  it('accepts names of services with dots and names of object properties in allow', () => {
    const { allow } = watch(API, 'allow: { a.b: 10.0.0.0/8, constructor: 10.0.0.0/8 }').watcher;
    expect(Object.keys(allow)).toEqual(['a.b', 'constructor']);
    const flag = watch({ ...API, '--allow': 'constructor=10.0.0.0/8' }).watcher.allow;
    expect(Object.keys(flag)).toEqual(['constructor']);
  });

  it('rejects the address of an NGINX as the address of a server', () => {
    const hosts = (api: string) =>
      watch({ '--nginx-api': api }).watcher.nginxHosts.map(
        ([network, bits]) => `${network.toString()}/${bits}`,
      );
    expect(hosts('http://10.0.0.5:8080/api')).toEqual(['10.0.0.5/32']);
    expect(hosts('http://[2001:db8::5]:8080/api')).toEqual(['2001:db8::5/128']);
    expect(hosts('http://lb:8080/api')).toEqual([]);
  });

  it('probes a service at the address of each instance', () => {
    const { probes } = watch(API, 'probes: [{ service: mqtt, type: mqtt, interval: 1s, fall: 2 }]');
    expect(probes.get('mqtt')?.spec(ADDRESS)).toEqual({ type: 'mqtt', target: ADDRESS });
    expect(probes.get('mqtt')?.health).toEqual({ interval: 1000, timeout: 2000, rise: 2, fall: 2 });
    expect(probes.get('firmware')).toBeUndefined();
  });
});

describe('gatewayProbes', () => {
  it.each([
    ['auto', 'tcp', 'mqtt'],
    ['tcp', 'tcp', 'tcp'],
    ['mqtt', 'mqtt', 'mqtt'],
  ])('gives %s the probe %s for http upstreams and %s for stream upstreams', (how, http, stream) => {
    const { gatewayProbe } = watch({ ...API, '--gateway-probes': how });
    expect(gatewayProbe?.('http').spec(ADDRESS)).toMatchObject({ type: http, target: ADDRESS });
    expect(gatewayProbe?.('stream').spec(ADDRESS)).toMatchObject({ type: stream, target: ADDRESS });
  });

  it('probes MQTT with one ClientId for each watcher', () => {
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
});

describe('nginx.api', () => {
  it.each([
    [
      'http://lb:8080/api/9',
      /^nginx\.api: must be the root of the API without its version, such as http:\/\/lb:8080\/api, got/,
    ],
    ['http://lb:8080/api/9/nginx', /without its version, such as http:\/\/lb:8080\/api, got/],
    ['http://lb:8080/api?fields=x', /without a query or fragment, such as http:\/\/lb:8080\/api, got/],
    ['http://lb:8080/dashboard.html', /and not a page, such as http:\/\/lb:8080\/api, got/],
  ])('refuses %s', (api, expected) => {
    expect(complaints(() => watch({ '--nginx-api': api }))[0]).toMatch(expected);
  });

  it.each([
    [
      { '--nginx-api': 'http://127.0.0.1:8080' },
      /has no path, .* usually at http:\/\/127\.0\.0\.1:8080\/api$/,
    ],
    [{ ...API, '--etcd-endpoints': ['http://etcd'] }, /has no port, .*: http:\/\/etcd:2379$/],
    [{ ...API, '--etcd-endpoints': ['http://etcd:2380'] }, /port that etcd members use among themselves/],
  ])('warns about URLs that are probably wrong: %j', (flags, expected) => {
    expect(watch(flags).warnings.map(({ reason }) => reason)).toEqual([expect.stringMatching(expected)]);
  });

  it('does not warn about the usual URLs', () => {
    expect(watch(API).warnings).toEqual([]);
    expect(watch({ '--nginx-api': 'https://lb/internal/api' }).warnings).toEqual([]);
  });
});

describe('a credential', () => {
  it('causes a warning if it is a password that goes to another host over plain HTTP', () => {
    const flags = {
      ...API,
      '--nginx-username': 'a',
      '--nginx-password-file': fileWith('hunter2\n', 'password'),
    };
    expect(watch(flags).warnings).toEqual([
      {
        key: 'nginx.passwordFile',
        reason: expect.stringMatching(/^the password goes to http:\/\/lb:8080 unencrypted/) as string,
      },
    ]);
  });

  const probe = (more: string, rest = '') =>
    `nginx: { api: "http://lb:8080/api" }\n${rest}\nprobes: [{ service: web, type: http, ${more} }]`;

  it.each([
    'headers: { Authorization: x }',
    'headers: { X-Api-Key: x }',
    'headers: { cookie: x }, tls: true, insecure: true',
  ])('is refused for any address that is registered: %s', (more) => {
    expect(complaints(() => watch({}, probe(more)))[0]).toMatch(
      /^probes\[0\]\.headers: would be sent to every address that is registered as web: give the networks/,
    );
  });

  it.each([
    probe('headers: { Authorization: x }', 'allow: { web: 10.0.0.0/8 }'),
    probe('headers: { Authorization: x }, tls: true'),
    probe('headers: { Host: example.org }'),
  ])('is sent if the addresses are limited or must show a certificate: %s', (file) => {
    expect(watch({}, file).probes.size).toBe(1);
  });

  describe('of firmware', () => {
    const ORIGIN = { ...API, '--firmware-origin': 'https://ota.example.com' };

    it('announces nothing by default', () => {
      const { firmware } = watch(ORIGIN);
      expect(firmware).toEqual({
        ...{ origin: 'https://ota.example.com', service: 'firmware' },
        ...{ releaseKeys: undefined, push: undefined },
      });
    });

    it('announces on the brokers of a service, with a ClientId of its own', () => {
      const push = { ...ORIGIN, '--firmware-push': true, '--firmware-mqtt-spread': '90s' };
      expect(watch({ ...push, '--id': 'lb1' }).firmware?.push).toEqual({
        service: 'mqtt',
        spread: 90,
        broker: { clientId: expect.stringMatching(/^sidekick[0-9a-f]{12}$/) as string },
      });
    });

    it('refuses to announce what is not offered', () => {
      expect(complaints(() => watch({ ...API, '--firmware-push': true }))).toEqual([
        'firmware.push: needs firmware.origin: nothing is offered',
      ]);
    });

    it('sends a password only where it is told which brokers there may be, or checks their certificates', () => {
      const login = {
        ...{ ...ORIGIN, '--firmware-push': true, '--firmware-mqtt-username': 'watcher' },
        '--firmware-mqtt-password-file': fileWith('secret'),
      };
      expect(complaints(() => watch(login))).toEqual([
        expect.stringMatching(
          /^firmware\.mqtt\.passwordFile: would be sent to every address .* registered as mqtt/,
        ),
      ]);
      const auth = { username: 'watcher', password: 'secret' };
      expect(watch({ ...login, '--allow': 'mqtt=10.0.0.0/8' }).firmware?.push?.broker).toMatchObject(auth);
      expect(watch({ ...login, '--firmware-mqtt-tls': true }).firmware?.push?.broker).toMatchObject({
        ...auth,
        tls: {},
      });
    });

    it('refuses files for TLS without TLS', () => {
      const ca = { ...ORIGIN, '--firmware-push': true, '--firmware-mqtt-ca': fileWith('CA') };
      expect(complaints(() => watch(ca))).toContain(
        'firmware.mqtt.tls: is required: ca, cert, key and serverName need it',
      );
    });

    it('refuses a release key that is none', () => {
      expect(complaints(() => watch({ ...ORIGIN, '--firmware-release-keys': fileWith('hello') }))).toEqual([
        expect.stringMatching(/^firmware\.releaseKeys: must be a file with a public key of Ed25519/),
      ]);
    });
  });
});
