import { deriveAbort } from '../../async/abort.js';
import type { Address } from '../../core/address.js';
import { type KeyPrefixes, parseInstance, servicePrefix } from '../../core/keys.js';
import type { Clock, Log, Meter, RegistryReader, RegistrySnapshot } from '../../core/ports.js';
import type { Announcement } from '../../firmware/announcement.js';
import type { Brokers } from '../../firmware/ports.js';
import { type AnnouncedTo, BROKER_STATES, BrokerLink } from './broker-link.js';

interface AnnouncerOptions {
  readonly prefixes: KeyPrefixes;
  /** The service under which the brokers register. */
  readonly service: string;
  /** The most brokers that are told; further registered ones are left out. */
  readonly maxBrokers: number;
}

interface AnnouncerPorts {
  readonly reader: RegistryReader;
  readonly brokers: Brokers;
  /** Whether there may be a broker at an address. */
  readonly isAllowed: (broker: Address) => boolean;
  readonly log: Log;
  readonly meter: Meter;
  readonly clock: Clock;
  /** 0 to 1; default Math.random. */
  readonly random?: () => number;
}

interface RunningLink {
  readonly link: BrokerLink;
  stop(): void;
}

/** Tells every registered broker what devices are offered, each on a session of its own. */
export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #ports: AnnouncerPorts;
  readonly #links = new Map<Address, RunningLink>();
  /** The links that have not ended, those that are stopped included. */
  readonly #running = new Set<Promise<void>>();
  #announcements: ReadonlyMap<string, Announcement> = new Map();

  constructor(options: AnnouncerOptions, ports: AnnouncerPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  /** Takes what is to be announced from now on, by type. A type that is missing keeps the message that it has. */
  announce(announcements: ReadonlyMap<string, Announcement>): void {
    this.#announcements = announcements;
    for (const { link } of this.#links.values()) link.wake();
  }

  /** Which brokers have what is announced. */
  status(): readonly AnnouncedTo[] {
    return [...this.#links.values()].map(({ link }) => link.status);
  }

  /** Runs until the signal is aborted. While etcd is unavailable, it keeps telling the brokers that are known. */
  async run(signal: AbortSignal): Promise<void> {
    const { prefixes, service } = this.#options;
    const listener = {
      onSnapshot: (snapshot: RegistrySnapshot) => this.#follow(this.#registered(snapshot), signal),
      onUnavailable: () => {},
    };
    await this.#ports.reader.watch([servicePrefix(prefixes, service)], listener, signal);
    await Promise.all(this.#running);
  }

  #registered({ entries }: RegistrySnapshot): ReadonlySet<Address> {
    const { prefixes, service, maxBrokers } = this.#options;
    const addresses = [...entries.keys()]
      .filter((key) => key.startsWith(servicePrefix(prefixes, service)))
      .map((key) => parseInstance(prefixes.services, key))
      .flatMap((instance) => (instance.ok ? [instance.value.address] : []))
      .filter(this.#ports.isAllowed);
    return new Set(addresses.sort().slice(0, maxBrokers));
  }

  #follow(brokers: ReadonlySet<Address>, signal: AbortSignal): void {
    for (const [broker, running] of this.#links) {
      if (brokers.has(broker)) continue;
      running.stop();
      this.#links.delete(broker);
    }
    for (const broker of brokers) {
      if (!this.#links.has(broker)) this.#links.set(broker, this.#start(broker, signal));
    }
    this.#count();
  }

  /** Shows how many brokers are in which state. */
  #count(): void {
    const states = this.status().map(({ state }) => state);
    for (const state of BROKER_STATES) {
      const brokers = states.filter((one) => one === state).length;
      this.#ports.meter.gauge('sidekick_push_brokers', brokers, { state });
    }
  }

  #start(broker: Address, signal: AbortSignal): RunningLink {
    const own = deriveAbort(signal);
    const onChange = () => this.#count();
    const link = new BrokerLink(broker, () => this.#announcements, { ...this.#ports, onChange });
    const running: Promise<void> = link.run(own.signal).finally(() => {
      own.dispose();
      this.#running.delete(running);
    });
    this.#running.add(running);
    return { link, stop: () => own.abort() };
  }
}
