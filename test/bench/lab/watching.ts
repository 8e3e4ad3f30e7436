/** A contender that watches a lab's etcd, and changes that are made under its eyes. */
import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import type { Contender, Running } from '../contenders/index.js';
import type { Lab } from './lab.js';
import { type Instance, instanceOf, type Layout } from './layout.js';

/** How often another server is registered until one of them comes to NGINX, and for how long at most; in ms. */
const CANARY = { every: 250, within: 120_000 };
/** Changes that do not count: code that never ran is slower. */
const WARM_UP = { changes: 5, spacing: 100 };
/** How long nothing happens before and after what is measured, in ms. */
const SETTLE = 500;

interface Pace {
  readonly changes: number;
  /** From the start of one change to the start of the next, in ms. */
  readonly spacing: number;
}

/** What a series of changes took. */
interface Changes {
  /** For each change, from the put sent to the request that had arrived at NGINX; ms. */
  readonly latencies: readonly number[];
  /** CPU time of the contender for each change, ms. */
  readonly cpu: number;
}

export class Watching implements AsyncDisposable {
  readonly #added: Instance[] = [];

  private constructor(
    readonly lab: Lab,
    readonly layout: Layout,
    readonly contender: Running,
  ) {}

  /**
   * Starts a contender between an etcd in which the layout is registered and an NGINX that has its servers, and
   * resolves when a change comes through.
   */
  static async start(lab: Lab, layout: Layout, contender: Contender): Promise<Watching> {
    await lab.nginx.reset(layout, true);
    const watching = new Watching(lab, layout, await contender.watch(lab, { sync: false }));
    try {
      await watching.#becomeReady(contender.name);
      await watching.makeChanges(WARM_UP);
      return watching;
    } catch (error) {
      await watching[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Registers one server after the other at a steady pace, and waits until NGINX has them all. */
  async makeChanges({ changes, spacing }: Pace): Promise<Changes> {
    const cpuBefore = await this.contender.cpu();
    const begun = now();
    const sent: number[] = [];
    const puts: Promise<void>[] = [];
    const instances = this.#newInstances(changes);
    for (const [nth, instance] of instances.entries()) {
      await delay(begun + nth * spacing - now());
      sent.push(now());
      puts.push(this.lab.registry.put(instance));
    }
    await Promise.all(puts);
    const arrived = await this.#arrivals(instances);
    await delay(SETTLE);
    const cpu = ((await this.contender.cpu()) - cpuBefore) / changes;
    return { latencies: arrived.map((time, nth) => time - (sent[nth] ?? Number.NaN)), cpu };
  }

  /** Registers so many servers at once. Resolves with the time from the first put to the last request, in ms. */
  async burst(changes: number): Promise<number> {
    const instances = this.#newInstances(changes);
    const begun = now();
    await Promise.all(instances.map((instance) => this.lab.registry.put(instance)));
    const arrived = await this.#arrivals(instances);
    await delay(SETTLE);
    return Math.max(...arrived) - begun;
  }

  #arrivals(instances: readonly Instance[]): Promise<readonly number[]> {
    return this.contender.whileRunning(this.lab.nginx.added(instances.map(({ address }) => address)));
  }

  /** Puts one server after the other, since a put before the watch began need not come through. */
  async #becomeReady(name: string): Promise<void> {
    const deadline = now() + CANARY.within;
    while (now() < deadline) {
      const [canary] = this.#newInstances(1) as [Instance];
      await this.lab.registry.put(canary);
      const arrived = this.lab.nginx.hasAdded(canary.address, CANARY.every);
      if (await this.contender.whileRunning(arrived)) return delay(SETTLE);
    }
    throw new Error(`${name}: no change came through within ${CANARY.within} ms`);
  }

  #newInstances(count: number): readonly Instance[] {
    const { layout } = this;
    const from = layout.servers + this.#added.length;
    const instances = Array.from({ length: count }, (_, nth) => instanceOf(layout, from + nth));
    this.#added.push(...instances);
    return instances;
  }

  /** Ends the contender, then takes back what was registered. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.contender.stop();
    await this.lab.registry.deleteAll(this.#added);
  }
}
