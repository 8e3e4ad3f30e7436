import { afterAll, beforeAll, describe } from 'vitest';
import { createNginxApi } from '../../../src/adapters/nginx/api.js';
import { API_TOKEN, startGateway, startNetwork, type TestNetwork } from '../../support/containers/index.js';
import { keyvalContract } from './keyvals.js';
import { nginxContract } from './suite.js';

describe('the gateway', () => {
  let network: TestNetwork;
  let nginx: ReturnType<typeof createNginxApi>;

  beforeAll(async () => {
    network = await startNetwork();
    const gateway = await startGateway(network);
    nginx = createNginxApi({ name: 'gateway', url: gateway.api, auth: { token: API_TOKEN } });
  });

  afterAll(async () => {
    await nginx?.close();
    await network?.remove();
  });

  nginxContract(
    () => nginx,
    (kind) => (kind === 'http' ? 'firmware' : 'mqtt'),
  );
  keyvalContract(() => nginx, 'firmware');
});
