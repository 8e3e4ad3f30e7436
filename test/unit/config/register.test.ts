import { describe, expect, it } from 'vitest';
import { DEFAULT_REQUEST_TIMEOUT, DEFAULT_RESYNC } from '../../../src/adapters/etcd/options.js';
import { registerScope, registerSettings } from '../../../src/config/register.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import { DEFAULT_LEASE_TTL } from '../../../src/daemon/lease/options.js';
import { DEFAULT_DRAIN_TIMEOUT } from '../../../src/daemon/registrar/options.js';
import { ADDRESS, complaints, fileWith, load, ONE, register } from './support.js';

describe('registerSettings', () => {
  it('uses the defaults of the lease, the registrar, etcd and the keys', () => {
    const settings = register({});
    expect(settings).toMatchObject({
      leaseTtl: DEFAULT_LEASE_TTL,
      drainTimeout: DEFAULT_DRAIN_TIMEOUT,
      etcd: {
        endpoints: ['http://127.0.0.1:2379'],
        requestTimeout: DEFAULT_REQUEST_TIMEOUT,
        resync: DEFAULT_RESYNC,
      },
      prefixes: DEFAULT_KEY_PREFIXES,
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

  it('takes the region of a firmware server, and refuses what is registered for it by itself', () => {
    const regional = { '--firmware-directory': '/srv', '--firmware-region': 'eu' };
    expect(register(regional).firmware).toMatchObject({ service: 'firmware', region: 'eu' });
    expect(register({ '--firmware-directory': '/srv' }).firmware).not.toHaveProperty('region');
    expect(complaints(() => register({ ...regional, '--firmware-region': 'EU' }))).toEqual([
      expect.stringMatching(/^firmware\.region: must be lower-case letters/),
    ]);
    const file = fileWith(
      `services: [{ service: firmware, address: ${ADDRESS} }, { service: firmware-eu, address: ${ADDRESS} }]`,
    );
    const config = load(registerScope, { flags: { ...regional, '--config': file } });
    expect(complaints(() => registerSettings(config, {}))).toEqual([
      expect.stringMatching(/^firmware\.region: registers firmware-eu by itself/),
    ]);
  });

  it('has no option that contains a secret itself', () => {
    const written = JSON.stringify(load(registerScope, { flags: ONE }).effective);
    expect(written).not.toMatch(/"(password|token|secret)"/i);
  });
});
