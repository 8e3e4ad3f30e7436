/** A contender that has brought an empty NGINX in sync with what is registered. */
import type { Contender, Running, StartOptions } from '../contenders/index.js';
import type { Lab } from './lab.js';
import { instancesOf, type Layout } from './layout.js';

interface InSync {
  readonly running: Running;
  /** When each server was added, from the start of the contender on; ms. */
  readonly arrived: readonly number[];
}

/** Starts a contender beside an empty NGINX, and resolves when that has every server of the layout. */
export async function bringInSync(
  lab: Lab,
  layout: Layout,
  contender: Contender,
  options: Omit<StartOptions, 'sync'> = {},
): Promise<InSync> {
  await lab.nginx.reset(layout, false);
  const running = await contender.watch(lab, { sync: true, ...options });
  try {
    const addresses = instancesOf(layout).map(({ address }) => address);
    const arrived = await running.whileRunning(lab.nginx.added(addresses));
    return { running, arrived: arrived.map((at) => at - running.startedAt) };
  } catch (error) {
    await running.stop();
    throw error;
  }
}
