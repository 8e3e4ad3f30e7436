import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { flagOf, flatOptions, variableOf } from '../../../src/config/engine/schema.js';
import { drainScope } from '../../../src/config/operator.js';
import { registerScope } from '../../../src/config/register.js';
import { SCOPES } from '../../../src/config/scopes.js';
import { watchScope } from '../../../src/config/watch.js';
import { fc } from '../../support/property.js';
import { complaints, load, ONE } from './support.js';

describe('precedence', () => {
  it('uses the default if nothing else is given', () => {
    expect(load(registerScope, { flags: ONE }).values.lease.ttl).toBe(15_000);
  });

  it('prefers a flag to a variable, a variable to the file and the file to the default', () => {
    const file = 'lease: { ttl: 20s }';
    const env = { SIDEKICK_LEASE_TTL: '25s' };
    expect(load(registerScope, { flags: ONE, file }).values.lease.ttl).toBe(20_000);
    expect(load(registerScope, { flags: ONE, file, env }).values.lease.ttl).toBe(25_000);
    const flags = { ...ONE, '--lease-ttl': '30s' };
    expect(load(registerScope, { flags, file, env }).values.lease.ttl).toBe(30_000);
  });

  it('ignores an empty variable', () => {
    expect(load(registerScope, { flags: ONE, env: { SIDEKICK_LEASE_TTL: '' } }).values.lease.ttl).toBe(
      15_000,
    );
  });

  it('turns a switch of the file off by its --no flag', () => {
    const config = load(registerScope, { flags: { ...ONE, '--backup': false }, file: 'backup: true' });
    expect(config.lists.services[0]?.values.backup).toBe(false);
  });

  it('gives every option its own flag and variable', () => {
    for (const scope of Object.values(SCOPES)) {
      const keys = [...flatOptions(scope).keys(), ...Object.keys(scope.lists), 'config'];
      expect(new Set(keys.map(flagOf)).size).toBe(keys.length);
      expect(new Set(keys.map(variableOf)).size).toBe(keys.length);
    }
  });

  it('reads the configuration file that a variable names', () => {
    const attempt = () =>
      load(registerScope, { flags: ONE, env: { SIDEKICK_CONFIG: '/nonexistent/sidekick.yaml' } });
    expect(complaints(attempt)[0]).toMatch(
      /^config: must be a file that can be read, got "\/nonexistent\/sidekick\.yaml": ENOENT/,
    );
  });
});

describe('reading values', () => {
  it('reads a service from flags alone', () => {
    const { lists } = load(registerScope, {
      flags: {
        ...ONE,
        '--weight': '5',
        '--max-conns': '100',
        '--fail-timeout': '1m',
        '--meta': ['zone=a', 'version=1.2'],
        '--probe-type': 'http',
        '--probe-path': '/healthz',
        '--probe-status': '200,204',
      },
    });
    expect(lists.services).toHaveLength(1);
    expect(lists.services[0]?.values).toMatchObject({
      service: 'firmware',
      address: { address: '10.0.0.11:8080' },
      weight: 5,
      max_conns: 100,
      fail_timeout: '60s',
      meta: { zone: 'a', version: '1.2' },
      probe: { type: 'http', path: '/healthz', status: [200, 204], interval: 5000 },
    });
  });

  it.each([
    ['auto:8080', { port: 8080, interface: undefined }],
    ['auto:eth1:8080', { port: 8080, interface: 'eth1' }],
    ['[2001:DB8::1]:8080', { address: '[2001:db8::1]:8080' }],
  ])('reads the address %s', (text, expected) => {
    const { lists } = load(registerScope, { flags: { ...ONE, '--address': text } });
    expect(lists.services[0]?.values.address).toEqual(expected);
  });

  it('reads a list from repeated flags, from commas in a variable and from a list in a file', () => {
    const endpoints = ['http://a:2379', 'http://b:2379'];
    const read = (given: Parameters<typeof load>[1]) =>
      load(registerScope, { ...given, flags: { ...ONE, ...given.flags } }).values.etcd.endpoints;
    expect(read({ flags: { '--etcd-endpoints': endpoints } })).toEqual(endpoints);
    expect(read({ env: { SIDEKICK_ETCD_ENDPOINTS: 'http://a:2379, http://b:2379/' } })).toEqual(endpoints);
    expect(read({ file: `etcd: { endpoints: ${JSON.stringify(endpoints)} }` })).toEqual(endpoints);
  });

  it('reads networks by service from a flag and from a file', () => {
    const flags = { '--nginx-api': 'http://lb/api' };
    const fromFlag = load(watchScope, { flags: { ...flags, '--allow': ['a=10.0.0.0/8', 'a=::1'] } });
    const fromFile = load(watchScope, { flags, file: 'allow: { a: [10.0.0.0/8, "::1"] }' });
    expect(fromFlag.values.allow.a).toHaveLength(2);
    expect(fromFile.values.allow).toEqual(fromFlag.values.allow);
  });

  it('reads JSON as well as YAML, and an empty file as no keys', () => {
    const file = JSON.stringify({ service: 'mqtt', address: '10.0.0.1:1883' });
    expect(load(registerScope, { file }).lists.services[0]?.values.service).toBe('mqtt');
    expect(load(registerScope, { flags: ONE, file: '' }).values.lease.ttl).toBe(15_000);
  });
});

describe('lists of entries', () => {
  const file = `
weight: 3
probe: { interval: 1s }
services:
  - { service: firmware, address: 10.0.0.11:8080, probe: { type: http, path: /healthz } }
  - { service: mqtt, address: 10.0.0.11:1883, weight: 7, probe: { type: mqtt, interval: 2s } }
`;

  it('uses the options outside the list as defaults of every entry', () => {
    const { services } = load(registerScope, { file }).lists;
    expect(services.map(({ values }) => [values.service, values.weight, values.probe.interval])).toEqual([
      ['firmware', 3, 1000],
      ['mqtt', 7, 2000],
    ]);
  });

  it('labels each entry for messages', () => {
    const { services } = load(registerScope, { file }).lists;
    expect(services.map(({ label }) => label)).toEqual(['services[0].', 'services[1].']);
  });

  it('reads a list from the text of a flag', () => {
    const { upstreams } = load(watchScope, {
      flags: {
        '--nginx-api': 'http://lb/api',
        '--upstreams': '[{service: fw, kind: http, upstream: firmware, drainTimeout: 1m}]',
      },
    }).lists;
    expect(upstreams.map(({ values }) => values)).toEqual([
      { service: 'fw', kind: 'http', upstream: 'firmware', drainTimeout: 60_000 },
    ]);
  });

  it('accepts a group or a list for nginx', () => {
    const group = load(watchScope, { file: 'nginx: { api: "http://a/api", timeout: 1s }' });
    const list = load(watchScope, { file: 'nginx: [{ api: "http://a/api", timeout: 1s }]' });
    expect(list.lists.nginx[0]?.values).toEqual(group.lists.nginx[0]?.values);
  });

  it('refuses a list together with its inline entry', () => {
    expect(complaints(() => load(registerScope, { flags: ONE, file }))[0]).toMatch(
      /^service: cannot be given together with the list services of .*sidekick\.yaml: give one of them \(--service\)$/,
    );
  });

  it.each(['', 'services: []'])('refuses a configuration without any service: %j', (text) => {
    expect(complaints(() => load(registerScope, { file: text }))[0]).toMatch(
      /^service: is required: give --service or SIDEKICK_SERVICE, or the list services in a file/,
    );
  });
});

describe('problems', () => {
  it('names every bad value with the flag, variable or file that it came from', () => {
    const lines = complaints(() =>
      load(registerScope, {
        flags: { ...ONE, '--weight': '-1', '--probe-type': 'htp' },
        env: { SIDEKICK_LEASE_TTL: '15' },
        file: 'etcd: { endpoints: [etcd:2379] }\nmax_conns: many',
      }),
    );
    expect(lines).toHaveLength(5);
    expect(lines).toContainEqual('weight: must be an integer from 1 to 65535, got "-1" (--weight)');
    expect(lines).toContainEqual(
      'probe.type: must be one of tcp, http, mqtt, exec, got "htp" (--probe-type)',
    );
    expect(lines).toContainEqual(
      'lease.ttl: must be a duration such as 15s, 5m or 250ms, at least 2s, got "15" (SIDEKICK_LEASE_TTL)',
    );
    expect(lines).toContainEqual(
      expect.stringMatching(/^etcd\.endpoints: must be an http.* URL, got "etcd:2379" \(.*sidekick\.yaml\)$/),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(/^max_conns: must be an integer .*many.*sidekick\.yaml\)$/),
    );
  });

  it('names the entry and the key within a list', () => {
    const file = `
services:
  - { service: ok, address: 10.0.0.1:80 }
  - { service: bad name, probe: { type: smtp, intervall: 1s } }
  - 7`;
    const lines = complaints(() => load(registerScope, { file }));
    expect(lines.map((line) => line.split(':')[0])).toEqual([
      'services[1].probe.intervall',
      'services[1].service',
      'services[1].address',
      'services[1].probe.type',
      'services[2]',
    ]);
    expect(lines[0]).toMatch(
      /is an unknown key \(did you mean interval\?\); allowed here are type, target, interval,/,
    );
    expect(lines[2]).toMatch(/is required: host:port/);
  });

  it.each([
    ['lease: 15s', /^lease: must be a group of ttl, got "15s"/],
    ['leese: { ttl: 5s }', /^leese: is an unknown key \(did you mean lease\?\); allowed here are service,/],
    ['lease: { ttl: 15 }', /^lease\.ttl: must be a duration .*, got 15 /],
    ['backup: "yes"', /^backup: must be true or false, got .*yes/],
    [
      'services: firmware',
      /^services: must be a list of groups of service, address, .*: the text holds no list/,
    ],
    ['__proto__: { a: 1 }', /^__proto__: is an unknown key/],
    ['constructor: { a: 1 }', /^constructor: is an unknown key/],
    ['lease: { ttl: null }', /^lease\.ttl: must be a duration .*, got null/],
    [
      'prefix: { services: services }',
      /^prefix\.services: must be a prefix that begins and ends with a slash/,
    ],
    ['- a', /must hold keys and values, got a list/],
    ['a: [', /must be YAML or JSON/],
    ['lease: {}\nlease: {}', /must be YAML or JSON: .*unique/],
  ])('refuses the file %j', (file, expected) => {
    expect(complaints(() => load(registerScope, { flags: ONE, file })).join('\n')).toMatch(expected);
  });

  it.each([
    ['--address', '10.0.0.1:70000', /port must be 1 to 65535, got "70000"/],
    ['--address', 'example.org:80', /host must be an IP address, got "example.org"/],
    ['--address', 'auto:0', /must be host:port .*, got "auto:0"/],
    [
      '--etcd-endpoints',
      'http://root:secret@etcd:2379',
      /^etcd\.endpoints: must not carry a user or password/,
    ],
    ['--admin-listen', '9464', /^admin\.listen: must be host:port .* or off, got "9464"/],
    ['--probe-command', '', /^probe\.command: must be a program and its arguments/],
    [
      '--services',
      '{',
      /^services: must be a list of groups of .*: the text is neither YAML nor JSON: .* at line 1, column 2/,
    ],
    ['--meta', 'zone', /^meta: must be a map of text, as name=value, got "zone"/],
  ])('refuses %s %s', (flag, value, expected) => {
    const lines = complaints(() => load(registerScope, { flags: { ...ONE, [flag]: value } }));
    expect(lines.join('\n')).toMatch(expected);
    expect(lines.join('\n')).not.toMatch(/secret/);
  });
});

describe('a key of another command', () => {
  const file = 'nginx: { api: "http://a/api" }\netcd: { endpoints: ["http://e:2379"] }';

  it("is ignored by an operator's command", () => {
    expect(load(drainScope, { file }, 'lenient').values.etcd.endpoints).toEqual(['http://e:2379']);
  });

  it('is refused if no command has it', () => {
    expect(complaints(() => load(drainScope, { file: `${file}\nngnix: 1` }, 'lenient'))[0]).toMatch(
      /^ngnix: /,
    );
  });

  it('is refused by a daemon', () => {
    expect(complaints(() => load(registerScope, { flags: ONE, file }))[0]).toMatch(
      /^nginx: is an unknown key/,
    );
  });
});

describe('a secret in the wrong place', () => {
  const PLACES: readonly string[] = [
    'apiKey: hunter2',
    'etcd: { apikey: hunter2, pin: [hunter2] }',
    'lease: [hunter2]',
    'lease: { ttl: { a: hunter2 } }',
    'meta: { a: [hunter2] }',
    'services: [hunter2]',
    'services: [{ service: a, address: "10.0.0.1:80", x-api-key: hunter2 }]',
    'services: "hunter2"',
    'services: "[{ probe: { headers: { authorization: hunter2 } }"',
    'etcd: { endpoints: ["http://root:hun/ter2hunter2@etcd:2379"] }',
    '- hunter2',
    'hunter2',
    'a: "hunter2',
    'a: *hunter2',
    'a: 1\n b: hunter2',
    'probe: { headers: hunter2 }',
    'probe: { type: exec, command: { a: hunter2 } }',
  ];
  it.each(PLACES)('is not shown: %s', (file) => {
    const text = complaints(() => load(registerScope, { flags: ONE, file })).join('\n');
    expect(text).not.toBe('');
    expect(text).not.toContain('hunter2');
  });

  it('is not shown if it is in a broken --services text', () => {
    const text = '[{service: a, address: "10.0.0.1:80", probe: {headers: {authorization: hunter2}}';
    const lines = complaints(() => load(registerScope, { flags: { '--services': text } }));
    expect(lines.join('\n')).toMatch(/^services: must be a list .* neither YAML nor JSON: .*line 1/);
    expect(lines.join('\n')).not.toContain('hunter2');
  });

  it('is not shown if it is an argument of a command', () => {
    const flags = { ...ONE, '--probe-type': 'exec', '--probe-command': 'curl -H hunter2 http://a' };
    const { effective } = load(registerScope, { flags });
    expect(effective.services).toMatchObject([{ probe: { command: ['curl', '(3 arguments hidden)'] } }]);
  });
});

describe('the effective configuration', () => {
  it.each([
    ['etcd: { password: hunter2 }', 'etcd.password: is an unknown key; allowed here are'],
    ['auth: { user: a, password: hunter2 }', 'auth: is an unknown key; allowed here are'],
    [
      'etcd: { endpoints: ["htp://a:hunter2@b"] }',
      'etcd.endpoints: must be an http:// or https:// URL, got "htp://(hidden)@b"',
    ],
    ['probe: { headers: [hunter2] }', 'probe.headers: must be a map of text, as name=value, got (hidden)'],
  ])('does not show a secret in the wrong place: %s', (file, expected) => {
    const [line = ''] = complaints(() => load(registerScope, { flags: ONE, file }));
    expect(line).toContain(expected);
    expect(line).not.toContain('hunter2');
  });

  it('hides sensitive values', () => {
    const { effective } = load(registerScope, {
      flags: { ...ONE, '--probe-type': 'http', '--probe-headers': 'authorization=Bearer abc' },
    });
    expect(stringify(effective)).not.toContain('abc');
    expect(effective.services).toMatchObject([{ probe: { headers: '(hidden)' } }]);
  });

  it('has the same meaning when it is read again', () => {
    const service = fc.record(
      {
        service: fc.constantFrom('firmware', 'mqtt', 'a.b-c_d'),
        address: fc.constantFrom('10.0.0.1:80', '[::1]:8080', 'auto:80', 'auto:eth0:80'),
        weight: fc.integer({ min: 1, max: 65535 }),
        down: fc.boolean(),
        fail_timeout: fc.constantFrom('5s', '1m', '1h30m'),
        meta: fc.dictionary(fc.constantFrom('zone', 'version'), fc.string()),
        probe: fc.record(
          {
            type: fc.constantFrom('tcp', 'http', 'mqtt', 'exec'),
            interval: fc.constantFrom('1s', '250ms', '1m30s'),
            version: fc.constantFrom('3.1.1', '5', 5),
            command: fc.constantFrom(['true'], ['a']),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['service', 'address'] },
    );
    fc.assert(
      fc.property(fc.array(service, { minLength: 1, maxLength: 3 }), (services) => {
        const first = load(registerScope, { file: stringify({ services }) });
        const second = load(registerScope, { file: stringify(first.effective) });
        expect(second.values).toEqual(first.values);
        expect(second.lists.services.map(({ values }) => values)).toEqual(
          first.lists.services.map(({ values }) => values),
        );
      }),
      { numRuns: 50 },
    );
  });
});
