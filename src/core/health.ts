import type { Address } from './address.js';
import { anyWanted, type DesiredServer, type DesiredServers } from './desired.js';
import type { ActualServer } from './ports.js';

/** The timing of a health check. */
export interface HealthPolicy {
  /** Time from the end of one probe to the start of the next, in ms; default 5000. */
  readonly interval: number;
  /** A probe that takes longer has failed, in ms; default 2000. */
  readonly timeout: number;
  /** Successes in a row that make an unhealthy instance healthy; default 2. The very first success is enough. */
  readonly rise: number;
  /** Failures in a row that make a healthy instance unhealthy; default 3. */
  readonly fall: number;
}

export const DEFAULT_HEALTH_POLICY: HealthPolicy = { interval: 5000, timeout: 2000, rise: 2, fall: 3 };

/** What is known of one instance's health. */
export interface Health {
  /** `unknown` until the first probe has ended. */
  readonly status: 'unknown' | 'healthy' | 'unhealthy';
  /** Probes in a row that spoke against `status`. */
  readonly against: number;
}

export const UNKNOWN_HEALTH: Health = { status: 'unknown', against: 0 };

/**
 * The health after one more probe. Pure.
 *
 * | status    | probe   | in a row      | becomes   |
 * |-----------|---------|---------------|-----------|
 * | unknown   | success | 1             | healthy   |
 * | unknown   | failure | 1             | unhealthy |
 * | healthy   | failure | `fall`        | unhealthy |
 * | unhealthy | success | `rise`        | healthy   |
 * | any       | agrees  |               | the same  |
 */
export function nextHealth(
  health: Health,
  success: boolean,
  policy: Pick<HealthPolicy, 'rise' | 'fall'>,
): Health {
  const result = success ? 'healthy' : 'unhealthy';
  if (health.status === 'unknown') return { status: result, against: 0 };
  if (health.status === result) return { status: result, against: 0 };
  const against = health.against + 1;
  const needed = success ? policy.rise : policy.fall;
  return against >= needed ? { status: result, against: 0 } : { status: health.status, against };
}

/** What the load balancer's own probes say of an address; `unknown` where it is not probed, or not yet. */
export type HealthLookup = (address: Address) => Health['status'];

/**
 * What is wanted once the load balancer's own probes count: a server that fails them is wanted `down`. One that has not
 * been probed yet and is down already stays so until the first probe has ended, so that a watcher that restarts does not
 * send traffic to a dead host. Where no server would be left up, the probes are not believed: it is likelier that they
 * fail themselves, and nothing is gained by refusing every request.
 */
export function applyHealthChecks(
  {
    desired,
    actual,
  }: {
    readonly desired: DesiredServers;
    readonly actual: Pick<ReadonlyMap<Address, readonly ActualServer[]>, 'get'>;
  },
  health: HealthLookup,
): DesiredServers {
  const isDown = (address: Address) =>
    (actual.get(address) ?? []).some((server) => server.parameters.down && !server.draining);
  const checked = (server: DesiredServer) => {
    const status = health(server.address);
    const down = status === 'unhealthy' || (status === 'unknown' && isDown(server.address));
    return down ? takenDown(server) : server;
  };
  const believed: DesiredServers = {
    get(address) {
      const server = desired.get(address);
      return server && checked(server);
    },
    *values() {
      for (const server of desired.values()) yield checked(server);
    },
  };
  return anyWanted(believed) || !anyWanted(desired) ? believed : desired;
}

function takenDown(server: DesiredServer): DesiredServer {
  if (server.intent !== 'serve') return server;
  return { ...server, parameters: { ...server.parameters, down: true } };
}
