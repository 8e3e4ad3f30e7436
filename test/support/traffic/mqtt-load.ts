/** The MQTT devices together: how many there are, on which brokers, and what was counted. */
import { connectAsync } from 'mqtt';
import { Device, NAME_TOPIC } from './device.js';
import type { Expectations } from './expectations.js';

export interface MqttCounts {
  /** Sessions that were opened, reconnections included. */
  sessions: number;
  /** Sessions that ended though neither side had wanted it. */
  cut: number;
  /** Sessions that ended with a broker that was killed on purpose. */
  cutByKilledBroker: number;
  /** Sessions that ended with an NGINX that was killed on purpose. */
  cutByNginx: number;
  /** Attempts at a session that failed and should not have. */
  refusals: number;
  /** Attempts that failed while a broker or NGINX was dead on purpose. */
  expectedRefusals: number;
  sent: number;
  received: number;
  /** Messages that never came back. */
  lost: number;
  /** Messages under way in a session at the moment when it was cut on purpose. */
  underWayAtCut: number;
}

export interface MqttLoad {
  readonly counts: MqttCounts;
  readonly devices: readonly Device[];
  /** Connects that many more devices. */
  add(count: number): Promise<void>;
  on(broker: string): Device[];
  /** How many devices each broker has. */
  spread(): Map<string, number>;
  /** Has each of the devices send a message and receive it. */
  roundTrip(devices?: readonly Device[]): Promise<void>;
  stop(): Promise<void>;
}

/** Puts a broker's name where the devices will find it. `port` is the broker's own, on the host. */
export async function nameBroker(port: number, name: string): Promise<void> {
  const client = await connectAsync({ host: '127.0.0.1', port, clientId: 'demo-names' });
  await client.publishAsync(NAME_TOPIC, name, { qos: 1, retain: true });
  await client.endAsync();
}

/** Devices that connect to `port`, the gateway's public one. None yet. */
export function createMqttLoad(port: number, expectations: Expectations): MqttLoad {
  const devices: Device[] = [];
  const counts: MqttCounts = {
    sessions: 0,
    cut: 0,
    cutByKilledBroker: 0,
    cutByNginx: 0,
    refusals: 0,
    expectedRefusals: 0,
    sent: 0,
    received: 0,
    lost: 0,
    underWayAtCut: 0,
  };
  return {
    counts,
    devices,
    async add(count) {
      const more = Array.from(
        { length: count },
        (_, index) => new Device(devices.length + index + 1, port, counts, expectations),
      );
      devices.push(...more);
      await Promise.all(more.map((device) => device.connect()));
    },
    on: (broker) => devices.filter((device) => device.broker === broker),
    spread() {
      const spread = new Map<string, number>();
      for (const { broker } of devices) spread.set(broker, (spread.get(broker) ?? 0) + 1);
      return new Map([...spread].sort(([a], [b]) => a.localeCompare(b)));
    },
    async roundTrip(some = devices) {
      await Promise.all(some.map((device) => device.roundTrip()));
    },
    async stop() {
      await Promise.all(devices.map((device) => device.leave()));
    },
  };
}
