import type { Kind } from '../core/upstream.js';
import { clientIdOf } from './client-id.js';
import type { ProbeSettings } from './probe.js';

/** Short, because nothing else notices a dead host before its lease expires. */
const GATEWAY_HEALTH: ProbeSettings['health'] = { interval: 2000, timeout: 1000, rise: 2, fall: 2 };

const GATEWAY_TCP: ProbeSettings = {
  spec: (target) => ({ type: 'tcp', target }),
  id: 'gateway-tcp',
  health: GATEWAY_HEALTH,
};

/**
 * The probe of stream upstreams of the gateway, which are meant for MQTT. Its API does not tell which protocol an upstream
 * serves: for another one, configure `probes` or `gatewayProbes: tcp`. Each watcher has one ClientId and one session with
 * each broker.
 */
function gatewayMqtt(watcherId: string): ProbeSettings {
  const clientId = clientIdOf(watcherId);
  return {
    spec: (target) => ({ type: 'mqtt', target, clientId, lasting: true, strangersRefused: true }),
    id: `gateway-mqtt-${clientId}`,
    health: GATEWAY_HEALTH,
  };
}

/** The probe of a service that is not in `probes`, by the kind of its upstream in the gateway. */
export type GatewayProbe = (kind: Kind) => ProbeSettings;

/** What the option `gatewayProbes` means; undefined where such services are not probed. */
export function gatewayProbe(
  how: 'auto' | 'tcp' | 'mqtt' | 'off',
  watcherId: string,
): GatewayProbe | undefined {
  if (how === 'off') return undefined;
  const mqtt = gatewayMqtt(watcherId);
  return (kind) => (how === 'mqtt' || (how === 'auto' && kind === 'stream') ? mqtt : GATEWAY_TCP);
}
