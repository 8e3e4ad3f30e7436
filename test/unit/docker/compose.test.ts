import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseDuration } from '../../../src/config/engine/duration.js';
import { flagOf, flatOptions, type Scope } from '../../../src/config/engine/schema.js';
import { firmwarePublishScope } from '../../../src/config/firmware/publish.js';
import { loadConfig } from '../../../src/config/load.js';
import { SCOPES } from '../../../src/config/scopes.js';

interface Service {
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  depends_on?: string[];
  network_mode?: string;
  read_only?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  logging?: { options: Record<string, string> };
  stop_grace_period?: string;
  volumes?: string[];
  secrets?: (string | { source: string; target: string })[];
  group_add?: string[];
}

function repositoryFile(path: string): URL {
  return new URL(`../../../${path}`, import.meta.url);
}

const compose = parse(readFileSync(repositoryFile('docker/compose.yaml'), 'utf8'), {
  merge: true,
  maxAliasCount: -1,
}) as {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
};
const services = Object.entries(compose.services);
const daemons = services.filter(([name, { image }]) => image === 'sidekick' && name !== 'operator');

function isCommand(name: string | undefined): name is 'register' | 'watch' {
  return name === 'register' || name === 'watch';
}

function flagsOf(args: string[]): Map<string, string> {
  const flags = new Map<string, string>();
  for (let index = 0; index < args.length; index += 2) flags.set(args[index] ?? '', args[index + 1] ?? '');
  return flags;
}

describe('docker/compose.yaml', () => {
  it('defines the documented system', () => {
    expect(services.map(([name]) => name).filter((name) => !name.endsWith('-sidekick'))).toEqual([
      'etcd',
      'gateway',
      'watcher',
      'firmware-1',
      'firmware-2',
      'firmware-3',
      'operator',
      'broker-1',
      'broker-2',
      'broker-3',
    ]);
  });

  it.each(services)('runs in %s an image that this repository builds', (_, { image }) => {
    const directory = image === 'sidekick' ? 'sidekick' : image.replace(/^sidekick-/, '');
    expect(existsSync(repositoryFile(`docker/${directory}/Dockerfile`))).toBe(true);
  });

  it.each(services)('publishes for %s on the loopback address only', (_, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+$/);
  });

  it.each(services)(
    'gives %s no writable file system, no new privileges and a bounded log',
    (name, service) => {
      expect(service.read_only).toBe(true);
      expect(service.cap_drop).toEqual(['ALL']);
      expect(service.cap_add ?? []).toEqual(name === 'gateway' ? expect.any(Array) : []);
      expect(service.security_opt).toEqual(['no-new-privileges:true']);
      expect(service.logging?.options).toHaveProperty('max-size');
    },
  );

  it.each(services.filter(([name]) => name.endsWith('-sidekick')))(
    'gives %s more time to stop than its drain takes',
    (_, { environment, stop_grace_period }) => {
      const drain = parseDuration(environment?.SIDEKICK_DRAIN_TIMEOUT ?? '') ?? Number.POSITIVE_INFINITY;
      expect(parseDuration(stop_grace_period ?? '')).toBeGreaterThan(drain);
    },
  );

  it.each(services)('defines the dependencies of %s and the owner of its network', (_, service) => {
    const shared = service.network_mode?.replace(/^service:/, '') ?? [];
    for (const name of [...(service.depends_on ?? []), ...[shared].flat()]) {
      expect(Object.keys(compose.services)).toContain(name);
    }
  });

  it.each(daemons)('gives %s a command line and variables that are a valid configuration', (_, service) => {
    const [command, ...args] = service.command ?? [];
    if (!isCommand(command)) throw new Error(`there is no command ${command}`);
    const scope: Scope = SCOPES[command];
    const known = [...flatOptions(scope).keys()].map(flagOf);
    const flags = flagsOf(args);

    expect(known).toEqual(expect.arrayContaining([...flags.keys()]));
    expect(() => loadConfig(scope, { flags, env: service.environment ?? {} })).not.toThrow();
  });

  it('gives the operator variables that are a valid configuration', () => {
    const { environment = {} } = compose.services.operator ?? {};
    expect(() => loadConfig(firmwarePublishScope, { flags: new Map(), env: environment })).not.toThrow();
  });

  it('names secrets that the set-up makes and services use', () => {
    const used = services.flatMap(([, { secrets = [] }]) =>
      secrets.map((secret) => (typeof secret === 'string' ? secret : secret.source)),
    );
    expect(Object.keys(compose.secrets).toSorted()).toEqual([...new Set(used)].toSorted());
    const setup = readFileSync(repositoryFile('docker/setup/compose-secrets.mjs'), 'utf8');
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      expect(file).toBe(`./secrets/${name}`);
      expect(setup).toContain(name.replace(/\.(crt|key)$/, ''));
    }
  });

  it.each(services.filter(([name]) => /^firmware-\d-sidekick$/.test(name)))(
    'lets %s write the files of its firmware server',
    (name, { volumes, group_add }) => {
      expect(volumes).toEqual(compose.services[name.replace('-sidekick', '')]?.volumes);
      const dockerfile = readFileSync(repositoryFile('docker/firmware/Dockerfile'), 'utf8');
      expect(dockerfile).toContain(`--gid ${group_add?.[0]} `);
    },
  );

  it.each(services.filter(([name]) => name.endsWith('-sidekick')))(
    'stops %s before its backend',
    (name, service) => {
      const backend = name.replace(/-sidekick$/, '');
      expect(service.network_mode).toBe(`service:${backend}`);
      expect(service.depends_on).toContain(backend);
    },
  );
});
