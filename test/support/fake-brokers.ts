/** MQTT brokers in memory: each with its retained messages, and with sessions that a test can end. */
import type { Address } from '../../src/core/address.js';
import type { BrokerSession, Brokers } from '../../src/firmware/ports.js';

type OnMessage = (topic: string, payload: string) => void;

class FakeBroker {
  /** By topic. */
  readonly retained = new Map<string, string>();
  /** Every message that was published, as `topic payload`. */
  readonly published: string[] = [];
  /** Sessions that were begun so far. */
  connects = 0;
  /** Why it takes no sessions; undefined while it does. */
  fault: Error | undefined;
  readonly #sessions = new Map<FakeSession, Set<string>>();

  /** The sessions that are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  open(onMessage: OnMessage): FakeSession {
    this.connects++;
    if (this.fault !== undefined) throw this.fault;
    const session = new FakeSession(this, onMessage);
    this.#sessions.set(session, new Set());
    void session.ended.then(() => this.#sessions.delete(session));
    return session;
  }

  subscribe(session: FakeSession, topics: readonly string[]): void {
    for (const topic of topics) {
      this.#sessions.get(session)?.add(topic);
      const payload = this.retained.get(topic);
      if (payload !== undefined) session.onMessage(topic, payload);
    }
  }

  /** Publishes a retained message, as any client may. */
  publish(topic: string, payload: string): void {
    this.published.push(`${topic} ${payload}`);
    this.retained.set(topic, payload);
    for (const [session, topics] of this.#sessions) if (topics.has(topic)) session.onMessage(topic, payload);
  }

  /** Ends as a killed broker does: its sessions are gone, and what it retained. */
  kill(): void {
    this.fault = new Error('connection refused');
    this.retained.clear();
    for (const session of this.#sessions.keys()) session.end();
  }
}

class FakeSession implements BrokerSession {
  readonly ended: Promise<void>;
  readonly onMessage: OnMessage;
  readonly #broker: FakeBroker;
  end = () => {};

  constructor(broker: FakeBroker, onMessage: OnMessage) {
    this.#broker = broker;
    this.onMessage = onMessage;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  subscribe(topics: readonly string[]): Promise<void> {
    this.#broker.subscribe(this, topics);
    return Promise.resolve();
  }

  retain(topic: string, payload: string): Promise<void> {
    this.#broker.publish(topic, payload);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.end();
    return this.ended;
  }
}

export class FakeBrokers implements Brokers {
  readonly #brokers = new Map<string, FakeBroker>();

  /** The broker at an address; there is one at every address. */
  at(address: string): FakeBroker {
    const broker = this.#brokers.get(address) ?? new FakeBroker();
    this.#brokers.set(address, broker);
    return broker;
  }

  connect(broker: Address, onMessage: OnMessage): Promise<BrokerSession> {
    return new Promise((resolve) => resolve(this.at(broker).open(onMessage)));
  }
}
