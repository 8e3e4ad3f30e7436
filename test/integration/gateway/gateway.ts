/** A gateway with all its ports. */
import { ApiClient } from '../../contract/gateway/client.js';
import {
  type Container,
  OPEN_API,
  startContainer,
  type TestNetwork,
  until,
} from '../../support/containers/index.js';

const PORTS = { http: 80, https: 443, mqtt: 1883, mqtts: 8883, api: 8080, apiTls: 8443 } as const;

/** Its container, a client of its API, and its other ports as the host sees them. */
export interface FullGateway {
  readonly container: Container;
  readonly api: ApiClient;
  port(name: keyof typeof PORTS): number;
}

function apiOf(container: Container): ApiClient {
  return new ApiClient(`http://127.0.0.1:${container.port(PORTS.api)}/api`);
}

/** Starts one. `command` replaces the image's. */
export async function startFullGateway(
  network: TestNetwork,
  command?: string[],
  environment: Record<string, string> = {},
): Promise<FullGateway> {
  const container = await startContainer({
    image: 'sidekick-gateway',
    name: 'gateway',
    network,
    ports: Object.values(PORTS),
    environment: { ...OPEN_API.environment, ...environment },
    files: OPEN_API.files,
    ...(command ? { command } : {}),
    ready: (self) =>
      until('the gateway answers', async () => (await apiOf(self).get('/nginx')).status === 200),
  });
  return { container, api: apiOf(container), port: (name) => container.port(PORTS[name]) };
}
