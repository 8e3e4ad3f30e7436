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
