/** What befalls firmware servers, each until the host is registered again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Dice } from '../dice.js';
import type { FirmwareHost } from './host.js';
import type { FirmwareSite } from './site.js';

export interface Incident {
  readonly name: string;
  /** Strikes a host, and lets it come back. */
  readonly strike: (host: FirmwareHost, dice: Dice) => Promise<void>;
}

/** For how long a host is away, in ms. */
function pause(dice: Dice): Promise<void> {
  return delay(dice.between(0, 4_000));
}

export const INCIDENTS: readonly Incident[] = [
  {
    name: 'leaves, and joins again',
    async strike(host, dice) {
      await host.leave();
      await pause(dice);
      await host.start();
    },
  },
  {
    name: 'is killed, and starts again',
    async strike(host, dice) {
      await host.kill();
      await pause(dice);
      await host.start();
    },
  },
  {
    name: 'is installed anew',
    async strike(host, dice) {
      await host.wipe();
      await host.kill();
      if (dice.chance()) await pause(dice);
      await host.start();
    },
  },
  {
    name: 'loses its files while it serves',
    strike: (host) => host.wipe(),
  },
  {
    name: 'loses its sidekick',
    strike: (host) => host.restartSidekick(),
  },
  {
    name: 'freezes, and wakes up',
    async strike(host, dice) {
      await host.freeze();
      await pause(dice);
      await host.thaw();
    },
  },
];

/** What befalls a site besides its firmware servers. */
export const SITE_INCIDENTS: readonly {
  readonly name: string;
  readonly strike: (site: FirmwareSite, dice: Dice) => Promise<void>;
}[] = [
  {
    name: 'a watcher is killed, and starts again',
    async strike({ watchers }, dice) {
      const { container } = dice.pick(watchers);
      await container.kill();
      await pause(dice);
      await container.start();
    },
  },
  {
    name: 'all watchers are killed, and start again',
    async strike({ watchers }, dice) {
      await Promise.all(watchers.map(({ container }) => container.kill()));
      await pause(dice);
      await Promise.all(watchers.map(({ container }) => container.start()));
    },
  },
  { name: 'etcd freezes, and wakes up', strike: (site, dice) => site.freezeEtcd(dice.between(500, 4_000)) },
  { name: 'NGINX is reloaded', strike: (site) => site.reloadGateway() },
];

/** Strikes the site itself again and again, as the dice say, until the signal is aborted: what has struck in words. */
export async function strikeSiteAgainAndAgain(
  site: FirmwareSite,
  dice: Dice,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const struck: string[] = [];
  while (!signal.aborted) {
    const incident = dice.pick(SITE_INCIDENTS);
    tell(incident.name);
    struck.push(incident.name);
    await incident.strike(site, dice);
    await pause(dice);
  }
  return struck;
}

/**
 * Strikes one host after another, as the dice say, until the signal is aborted: what has struck in words. Others of which at
 * least one is registered have all files all the time, as a site has it whose servers do not fail all at once.
 */
export async function strikeAgainAndAgain(
  site: FirmwareSite,
  dice: Dice,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const struck: string[] = [];
  const deck: Incident[] = [];
  while (!signal.aborted) {
    if (deck.length === 0) deck.push(...dice.shuffle(INCIDENTS));
    const incident = deck.pop() as Incident;
    const host = dice.pick(site.hosts);
    const line = `${host.name} ${incident.name}`;
    tell(line);
    struck.push(line);
    await incident.strike(host, dice);
    await host.registered();
    await delay(dice.between(0, 500));
  }
  return struck;
}
