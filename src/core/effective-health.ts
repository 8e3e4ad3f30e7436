import type { Address } from './address.js';
import type { DesiredServer } from './desired.js';
import type { Health } from './health.js';
import type { ActualServer } from './ports.js';

/** What the load balancer's own probes say of an address; `unknown` where it is not probed, or not yet. */
export type HealthLookup = (address: Address) => Health['status'];

/**
 * What is wanted once the load balancer's own probes have their say: a server that fails them is wanted `down`.
 * One that has not been probed yet and is down already stays so until the first probe has ended, so that a watcher
 * that restarts does not send traffic to a dead host. Where no server would be left up, the probes are not believed:
 * more likely it is they that fail, and nothing is gained by refusing every request.
 */
export function applyHealthChecks(
  desired: ReadonlyMap<Address, DesiredServer>,
  health: HealthLookup,
  actual: readonly ActualServer[],
): ReadonlyMap<Address, DesiredServer> {
  const isDown = new Set(
    actual.filter((server) => server.parameters.down && !server.draining).map(({ address }) => address),
  );
  const adjusted = new Map<Address, DesiredServer>();
  for (const [address, server] of desired) {
    const status = health(address);
    const down = status === 'unhealthy' || (status === 'unknown' && isDown.has(address));
    adjusted.set(address, down ? takenDown(server) : server);
  }
  return anyServes(adjusted) || !anyServes(desired) ? adjusted : desired;
}

function takenDown(server: DesiredServer): DesiredServer {
  if (server.intent !== 'serve') return server;
  return { ...server, parameters: { ...server.parameters, down: true } };
}

function anyServes(servers: ReadonlyMap<Address, DesiredServer>): boolean {
  return [...servers.values()].some(({ intent, parameters }) => intent === 'serve' && !parameters.down);
}
