import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OPTIONS_OF_TYPE, probeOptions } from '../../../src/config/probe.js';
import { ADDRESS, complaints, fileWith, register } from './support.js';

describe('probeSettings', () => {
  it('builds an http probe over TLS', () => {
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

  it('builds an mqtt probe with a user', () => {
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

  it('builds an exec probe', () => {
    const flags = { '--probe-type': 'exec', '--probe-command': '/bin/check --fast' };
    expect(register(flags).services[0]?.at(ADDRESS).probe).toEqual({
      type: 'exec',
      command: ['/bin/check', '--fast'],
    });
  });

  it('gives different probes different ids, without any secret in them', () => {
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

  it.each([
    [{ '--probe-path': '/' }, 'probe.path: is for probes of type http, and probe.type is tcp'],
    [{ '--probe-type': 'exec' }, 'probe.command: is required for probes of type exec'],
    [{ '--probe-insecure': true }, 'probe.insecure: needs probe.tls'],
  ])('refuses %j', (flags, expected) => {
    expect(complaints(() => register(flags))).toContainEqual(expected);
  });

  it('uses every option in at least one type of probe', () => {
    const common = [
      'type',
      'interval',
      'timeout',
      'rise',
      'fall',
      'ca',
      'cert',
      'key',
      'serverName',
      'insecure',
    ];
    const specific = Object.values(OPTIONS_OF_TYPE).flat();
    expect(new Set([...common, ...specific])).toEqual(new Set(Object.keys(probeOptions)));
  });

  const password = () => fileWith('hunter2\n', 'password');

  it('warns about a password that a probe sends to another host without TLS', () => {
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
});
