import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe } from 'vitest';
import { createNginxApi } from '../../../src/adapters/nginx/api.js';
import { type Backend, hostAddress, startHttp, startMqtt } from '../../integration/gateway/backends.js';
import { openSession } from '../../integration/gateway/sessions.js';
import {
  API_TOKEN,
  type Gateway,
  startGateway,
  startNetwork,
  type TestNetwork,
} from '../../support/containers/index.js';
import { address, host } from '../../support/watching.js';
import { keyvalContract } from './keyvals.js';
import { nginxContract } from './suite.js';
import { type TrafficSubject, trafficContract } from './traffic.js';

const GROUPS = { http: 'firmware', stream: 'mqtt' };

describe('the gateway', () => {
  let network: TestNetwork;
  let gateway: Gateway;
  let nginx: ReturnType<typeof createNginxApi>;
  let backend: Backend;
  let broker: Backend;
  /** Those who wait until a request has reached the backend, by its path. They end its response. */
  const awaited = new Map<string, (response: ServerResponse) => void>();
  let begun = 0;

  beforeAll(async () => {
    network = await startNetwork();
    gateway = await startGateway(network);
    nginx = createNginxApi({ name: 'gateway', url: gateway.api, auth: { token: API_TOKEN } });
    const self = await hostAddress(network);
    broker = await startMqtt(self);
    backend = await startHttp(self, ({ url = '' }, response) => awaited.get(url)?.(response));
  });

  afterAll(async () => {
    await nginx?.close();
    await Promise.all([backend?.close(), broker?.close()]);
    await network?.remove();
  });

  async function beginRequest(): Promise<() => Promise<void>> {
    const path = `/${++begun}.bin`;
    const arrived = new Promise<ServerResponse>((resolve) => awaited.set(path, resolve));
    const answer = fetch(`${gateway.httpUrl}${path}`);
    const response = await arrived;
    return async () => {
      response.end();
      await (await answer).text();
    };
  }

  async function beginSession(): Promise<() => Promise<void>> {
    const { socket } = await openSession(gateway.mqttPort, `client-${++begun}`);
    return async () => void socket.destroy();
  }

  nginxContract(
    () => nginx,
    (kind) => GROUPS[kind],
  );
  trafficContract(
    (): TrafficSubject => ({
      api: nginx,
      groups: GROUPS,
      addresses: {
        http: [address(backend.server), host(2)],
        stream: [address(broker.server), host(2)],
      },
      begin: ({ kind }) => (kind === 'http' ? beginRequest() : beginSession()),
    }),
  );
  keyvalContract(() => nginx, 'firmware');
});
