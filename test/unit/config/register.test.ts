import { describe, expect, it } from 'vitest';
import { DEFAULT_REQUEST_TIMEOUT, DEFAULT_RESYNC } from '../../../src/adapters/etcd/options.js';
import { registerScope } from '../../../src/config/register.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { DEFAULT_PARAMETERS } from '../../../src/core/server-parameters.js';
import { DEFAULT_LEASE_TTL } from '../../../src/daemon/lease/options.js';
import { DEFAULT_DRAIN_TIMEOUT } from '../../../src/daemon/registrar/options.js';
import { ADDRESS, load, ONE, register } from './support.js';

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

  it('has no option that contains a secret itself', () => {
    const written = JSON.stringify(load(registerScope, { flags: ONE }).effective);
    expect(written).not.toMatch(/"(password|token|secret)"/i);
  });
});
