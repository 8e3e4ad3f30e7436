import { describe, expect, it } from 'vitest';
import { unknownVariables } from '../../../../src/config/engine/layers.js';
import { SCOPES } from '../../../../src/config/scopes.js';

describe('unknownVariables', () => {
  it('finds variables that belong to no option of any command', () => {
    const env = {
      SIDEKICK_LEASE_TTL: '5s',
      SIDEKICK_NGINX_API: 'x',
      SIDEKICK_BANANA: '1',
      SIDEKICK_ETCD_ENDPIONTS: 'x',
      OTHER: '1',
    };
    expect(unknownVariables(Object.values(SCOPES), env)).toEqual([
      { name: 'SIDEKICK_BANANA', meant: undefined },
      { name: 'SIDEKICK_ETCD_ENDPIONTS', meant: 'SIDEKICK_ETCD_ENDPOINTS' },
    ]);
  });

  // Regression: the nine letters of the prefix allowed three edits in any short name.
  it('suggests nothing for a short name with other letters', () => {
    const env = { SIDEKICK_FOO: '1', SIDEKICK_IP: '1', SIDEKICK_LEASE_TLT: '5s' };
    expect(unknownVariables(Object.values(SCOPES), env)).toEqual([
      { name: 'SIDEKICK_FOO', meant: undefined },
      { name: 'SIDEKICK_IP', meant: undefined },
      { name: 'SIDEKICK_LEASE_TLT', meant: 'SIDEKICK_LEASE_TTL' },
    ]);
  });

  it('does not report variables that Kubernetes sets for a service called sidekick', () => {
    const env = {
      SIDEKICK_SERVICE_HOST: '10.0.0.1',
      SIDEKICK_SERVICE_PORT: '9464',
      SIDEKICK_SERVICE_PORT_ADMIN: '9464',
      SIDEKICK_PORT: 'tcp://10.0.0.1:9464',
      SIDEKICK_PORT_9464_TCP_ADDR: '10.0.0.1',
    };
    expect(unknownVariables(Object.values(SCOPES), env)).toEqual([]);
  });
});
