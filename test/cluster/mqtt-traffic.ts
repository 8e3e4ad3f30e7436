/** MQTT devices that keep sessions through the load balancer, and send themselves messages that they have to receive. */
import { connect, connectAsync, type MqttClient } from 'mqtt';
import { until } from '../support/containers/until.js';
import { addressOf, NODES, type Node } from './hosts.js';

/** How long the watcher lets sessions of a draining broker go on, in seconds: what docker/host/provision/lb.sh says. */
export const DRAIN = 15;

/** On this topic every broker holds a retained message with the name of its node. */
const NAME_TOPIC = 'cluster/broker';
const PUBLISH_EVERY_MS = 1_000;

/** A session that ended though the device had not wanted it. */
interface Cut {
  readonly broker: string;
  /** In ms of `performance.now()`. */
  readonly at: number;
}

/** Puts its name on a broker, for the devices to find. A broker that was restarted has forgotten it. */
export async function nameBroker(node: Node): Promise<void> {
  const client = await connectAsync({ host: addressOf(node), port: 1883, clientId: 'cluster-names' });
  await client.publishAsync(NAME_TOPIC, node, { qos: 1, retain: true });
  await client.endAsync();
}

class Device {
  /** The node of its broker; empty between sessions. */
  broker = '';
  received = 0;
  readonly #id: string;
  readonly #cuts: Cut[];
  #client: MqttClient | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(number: number, cuts: Cut[]) {
    this.#id = `device-${String(number).padStart(3, '0')}`;
    this.#cuts = cuts;
  }

  /** Begins to keep a session, and resolves when it knows its broker. */
  async start(): Promise<void> {
    const topic = `devices/${this.#id}`;
    const client = connect({
      host: addressOf('lb'),
      port: 1883,
      clientId: this.#id,
      protocolVersion: this.#id.endsWith('1') ? 5 : 4,
      keepalive: 5,
      connectTimeout: 5_000,
      reconnectPeriod: 250,
    });
    this.#client = client;
    client.on('error', () => {});
    client.on('connect', () => void client.subscribeAsync([topic, NAME_TOPIC], { qos: 1 }).catch(() => {}));
    client.on('message', (of, payload) => {
      if (of === NAME_TOPIC) this.broker = payload.toString();
      else this.received += 1;
    });
    client.on('close', () => {
      if (this.broker !== '') this.#cuts.push({ broker: this.broker, at: performance.now() });
      this.broker = '';
    });
    this.#timer = setInterval(() => {
      if (client.connected) client.publishAsync(topic, 'x', { qos: 1 }).catch(() => {});
    }, PUBLISH_EVERY_MS);
    await until(`${this.#id} has a broker`, () => this.broker !== '');
  }

  /** Ends the session as the protocol has it. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    this.broker = '';
    await this.#client?.endAsync();
  }
}

export class MqttTraffic {
  readonly cuts: Cut[] = [];
  readonly #devices: Device[] = [];

  async start(count: number): Promise<void> {
    await Promise.all(NODES.map(nameBroker));
    const more = Array.from({ length: count }, (_, i) => new Device(i + 1, this.cuts));
    this.#devices.push(...more);
    await Promise.all(more.map((device) => device.start()));
  }

  on(node: Node): Device[] {
    return this.#devices.filter(({ broker }) => broker === node);
  }

  /** The cuts since `from`, on one node or on any. */
  cutsSince(from: number, node?: Node): Cut[] {
    return this.cuts.filter(({ at, broker }) => at >= from && (node === undefined || broker === node));
  }

  /** Resolves when every device has a session, and none of them on `except`. */
  async untilSettled(except?: Node): Promise<void> {
    await until('every device has a session', () =>
      this.#devices.every(({ broker }) => broker !== '' && broker !== except),
    );
  }

  /** Resolves when each of the devices has received a message that was sent from now on. */
  async untilHeard(devices: readonly Device[] = this.#devices): Promise<void> {
    const before = devices.map(({ received }) => received);
    await until('every device hears from itself', () =>
      devices.every(({ received }, i) => received >= (before[i] ?? 0) + 2),
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.leave()));
  }
}
