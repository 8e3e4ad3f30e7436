/** A gateway with all its ports. */
import { ApiClient } from '../../contract/gateway/client.js';
import {
  type Container,
  type ContainerSpec,
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

/** A command that starts NGINX with another configuration of its listeners: each edit is a script of sed. */
export function edited(...edits: string[]): string[] {
  const script = `for edit in "$@"; do sed -Ei "$edit" /etc/nginx/nginx.conf /etc/nginx/gateway/ipv6/*.conf || exit; done; exec nginx -g "daemon off;"`;
  return ['sh', '-c', script, 'sh', ...edits];
}

/** Starts one. `command` replaces the image's; `more` is whatever else is to differ. */
export async function startFullGateway(
  network: TestNetwork,
  command?: string[],
  { environment, ...more }: Partial<ContainerSpec> = {},
): Promise<FullGateway> {
  const container = await startContainer({
    image: 'sidekick-gateway',
    name: 'gateway',
    network,
    ports: Object.values(PORTS),
    environment: { ...OPEN_API.environment, ...environment },
    ...more,
    files: { ...OPEN_API.files, ...more.files },
    ...(command ? { command } : {}),
    ready: (self) =>
      until('the gateway answers', async () => (await apiOf(self).get('/nginx')).status === 200),
  });
  return { container, api: apiOf(container), port: (name) => container.port(PORTS[name]) };
}
