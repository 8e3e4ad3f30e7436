import type { IClientOptions, MqttClient } from 'mqtt';
import { raceAbort } from '../../async/abort.js';
import { type Address, hostOf } from '../../core/address.js';
import { defined } from '../../core/defined.js';
import type { BrokerSession, Brokers } from '../../firmware/ports.js';
import { tlsConnectOptions } from '../tls-connect-options.js';
import type { BrokerOptions } from './options.js';

/** How long a broker may take to accept a session, and to let go of one, in ms. */
const CONNECT_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 1_000;

/** Sessions of MQTT 3.1.1. The client is loaded with the first of them. */
export class MqttBrokers implements Brokers {
  readonly #options: () => BrokerOptions;

  /** @param options As they are when a session begins. */
  constructor(options: () => BrokerOptions) {
    this.#options = options;
  }

  async connect(
    broker: Address,
    onMessage: (topic: string, payload: string) => void,
    signal: AbortSignal,
  ): Promise<BrokerSession> {
    signal.throwIfAborted();
    const mqtt = await import('mqtt');
    const session = new MqttSession(mqtt.default.connect(clientOptions(broker, this.#options())), onMessage);
    try {
      await raceAbort(session.accepted, signal);
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }
}

class MqttSession implements BrokerSession {
  readonly ended: Promise<void>;
  /** Resolves when the broker has accepted the session; rejects where it does not. */
  readonly accepted: Promise<void>;
  readonly #client: MqttClient;

  constructor(client: MqttClient, onMessage: (topic: string, payload: string) => void) {
    this.#client = client;
    this.ended = new Promise((resolve) => {
      client.once('close', () => resolve());
    });
    this.accepted = new Promise((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('the broker closed the connection')));
    });
    // What breaks a session ends it, too.
    client.on('error', () => {});
    client.on('message', (topic, payload) => onMessage(topic, payload.toString('utf8')));
  }

  async subscribe(topics: readonly string[], signal: AbortSignal): Promise<void> {
    await raceAbort(this.#client.subscribeAsync([...topics], { qos: 0 }), signal);
  }

  async retain(topic: string, payload: string, signal: AbortSignal): Promise<void> {
    await raceAbort(this.#client.publishAsync(topic, payload, { qos: 1, retain: true }), signal);
  }

  async close(): Promise<void> {
    // The client itself waits for what is not acknowledged.
    const limit = setTimeout(() => this.#client.stream.destroy(), CLOSE_TIMEOUT);
    this.#client.end();
    await this.ended;
    clearTimeout(limit);
  }
}

function clientOptions(
  broker: Address,
  { clientId, username, password, tls }: BrokerOptions,
): IClientOptions {
  const host = hostOf(broker);
  return {
    protocol: tls === undefined ? 'mqtt' : 'mqtts',
    host,
    port: Number(broker.slice(broker.lastIndexOf(':') + 1)),
    clientId,
    clean: true,
    keepalive: 60,
    connectTimeout: CONNECT_TIMEOUT,
    // Whoever uses the session begins another one.
    reconnectPeriod: 0,
    ...defined({ username, password }),
    // The client hands these on to `tls.connect` as they are; its own types are narrower.
    ...(tls && (tlsConnectOptions(tls, host) as IClientOptions)),
  };
}
