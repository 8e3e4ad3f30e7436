/** An MQTT device: it keeps a session through the gateway, and sends itself messages that it has to receive. */
import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type MqttClient } from 'mqtt';
import type { Expectations } from './expectations.js';
import type { MqttCounts } from './mqtt-load.js';

/** On this topic every broker holds a retained message with its own name. */
export const NAME_TOPIC = 'demo/broker';

const PUBLISH_EVERY_MS = 1_000;
const RECONNECT_AFTER_MS = 1_000;
const CONNECT_TIMEOUT_MS = 15_000;

function connected(client: MqttClient, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve());
    signal.addEventListener('abort', () => reject(new Error('no session', { cause: signal.reason })));
  });
}

export class Device {
  /** The broker it is connected to, as the broker calls itself; empty between sessions. */
  broker = '';
  readonly #id: string;
  readonly #topic: string;
  readonly #port: number;
  readonly #protocolVersion: 4 | 5;
  readonly #counts: MqttCounts;
  readonly #expectations: Expectations;
  readonly #events = new EventEmitter();
  readonly #pending = new Set<string>();
  #client: MqttClient | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sequence = 0;
  #leaving = false;

  constructor(number: number, port: number, counts: MqttCounts, expectations: Expectations) {
    this.#id = `device-${String(number).padStart(3, '0')}`;
    this.#topic = `devices/${this.#id}`;
    this.#port = port;
    // Both protocols that brokers speak today.
    this.#protocolVersion = number % 2 === 0 ? 4 : 5;
    this.#counts = counts;
    this.#expectations = expectations;
  }

  /** Messages sent in this session and not yet received. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Opens a session, as often as it takes, and resolves when it is usable: subscribed, and on a broker with a name. */
  async connect(): Promise<void> {
    this.#leaving = false;
    while (!this.#leaving) {
      try {
        return await this.#open();
      } catch {
        if (this.#expectations.brokerIsDead || this.#expectations.nginxIsDown)
          this.#counts.expectedRefusals += 1;
        else this.#counts.refusals += 1;
        await delay(RECONNECT_AFTER_MS);
      }
    }
  }

  async #open(): Promise<void> {
    const client = connect({
      host: '127.0.0.1',
      port: this.#port,
      clientId: this.#id,
      protocolVersion: this.#protocolVersion,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // A session that ends is counted before another is opened, so the library must not open one by itself.
      reconnectPeriod: 0,
    });
    client.on('error', () => {});
    client.on('message', (topic, payload) => this.#received(topic, payload.toString()));
    // A connection that closes before its CONNACK is no error to the library, so it has to be looked for.
    const failed = new AbortController();
    client.once('close', () => failed.abort());
    const signal = AbortSignal.any([failed.signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]);
    try {
      await connected(client, signal);
      const named = once(this.#events, 'named', { signal });
      await Promise.all([named, client.subscribeAsync([this.#topic, NAME_TOPIC], { qos: 1 })]);
    } catch (error) {
      client.end(true);
      this.broker = '';
      throw error;
    }
    client.once('close', () => this.#closed());
    this.#client = client;
    this.#counts.sessions += 1;
    this.#timer = setInterval(() => this.#publish(), PUBLISH_EVERY_MS);
    this.#publish();
  }

  #publish(): void {
    this.#sequence += 1;
    const message = String(this.#sequence);
    this.#pending.add(message);
    this.#counts.sent += 1;
    // Whether it arrived is seen when it comes back.
    this.#client?.publishAsync(this.#topic, message, { qos: 1 }).catch(() => {});
  }

  #received(topic: string, message: string): void {
    if (topic === NAME_TOPIC) {
      this.broker = message;
      this.#events.emit('named');
    } else if (this.#pending.delete(message)) {
      this.#counts.received += 1;
      this.#events.emit('received');
    }
  }

  #closed(): void {
    clearInterval(this.#timer);
    this.#client = undefined;
    if (this.#leaving) return;
    this.#countCut();
    this.broker = '';
    this.#pending.clear();
    this.#events.emit('received');
    void this.connect();
  }

  #countCut(): void {
    const isExpected = this.#expectations.killed.has(this.broker) || this.#expectations.nginxIsDown;
    if (this.#expectations.nginxIsDown) this.#counts.cutByNginx += 1;
    else if (isExpected) this.#counts.cutByKilledBroker += 1;
    else this.#counts.cut += 1;
    // What was under way is lost with the session, and that is a fault only where the cut is one.
    if (isExpected) this.#counts.underWayAtCut += this.#pending.size;
    else this.#counts.lost += this.#pending.size;
  }

  /** Sends one more message and resolves when everything sent so far has come back. */
  async roundTrip(timeoutMs = 15_000): Promise<void> {
    this.#publish();
    const signal = AbortSignal.timeout(timeoutMs);
    while (this.#pending.size > 0) await once(this.#events, 'received', { signal });
  }

  /** Ends the session as the protocol has it: sends nothing more, receives what is under way, disconnects. */
  async leave(): Promise<void> {
    this.#leaving = true;
    clearInterval(this.#timer);
    const signal = AbortSignal.timeout(5_000);
    try {
      while (this.#pending.size > 0) await once(this.#events, 'received', { signal });
    } catch {
      this.#counts.lost += this.#pending.size;
      this.#pending.clear();
    }
    await this.#client?.endAsync();
    this.broker = '';
  }
}
