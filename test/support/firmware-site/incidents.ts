/** What befalls firmware servers, each until the host is registered again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '../containers/index.js';
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

interface SiteIncident {
  readonly name: string;
  readonly strike: (site: FirmwareSite, dice: Dice) => Promise<void>;
}

/** What befalls a site besides its firmware servers. */
const SITE_INCIDENTS: readonly SiteIncident[] = [
  {
    name: 'a watcher is killed, and starts again',
    strike: ({ watchers }, dice) => killAndStart(dice.pick(watchers).container, dice),
  },
  {
    name: 'all watchers are killed, and start again',
    async strike({ watchers }, dice) {
      await Promise.all(watchers.map(({ container }) => killAndStart(container, dice)));
    },
  },
  {
    name: 'an etcd member is killed, and starts again',
    strike: ({ etcd }, dice) => killAndStart(dice.pick(etcd).container, dice),
  },
  {
    name: 'etcd is killed, and starts again',
    async strike({ etcd }, dice) {
      await Promise.all(etcd.map(({ container }) => killAndStart(container, dice)));
    },
  },
  {
    name: 'NGINX is killed, and starts again',
    strike: ({ gateways }, dice) => killAndStart(dice.pick(gateways).container, dice),
  },
  {
    name: 'NGINX is reloaded',
    async strike({ gateways }, dice) {
      await dice.pick(gateways).container.exec(['nginx', '-s', 'reload']);
    },
  },
];

async function killAndStart(container: Container, dice: Dice): Promise<void> {
  await container.kill();
  await pause(dice);
  await container.start();
}

/** Strikes the site itself again and again, as the dice say, until the signal is aborted: what has struck in words. */
export function strikeSiteAgainAndAgain(
  site: FirmwareSite,
  dice: Dice,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return again(SITE_INCIDENTS, dice, signal, async (incident) => {
    tell(incident.name);
    await incident.strike(site, dice);
    await pause(dice);
    return incident.name;
  });
}

/**
 * Strikes one host after another, as the dice say, until the signal is aborted: what has struck in words. Others of which at
 * least one is registered have all files all the time, as a site has it whose servers do not fail all at once.
 */
export function strikeAgainAndAgain(
  site: FirmwareSite,
  dice: Dice,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return again(INCIDENTS, dice, signal, async (incident) => {
    const host = dice.pick(site.hosts);
    const line = `${host.name} ${incident.name}`;
    tell(line);
    await incident.strike(host, dice);
    // The key of a host that was killed is there until its lease ends: it says nothing of the files.
    await host.registered();
    await host.restored();
    await delay(dice.between(0, 500));
    return line;
  });
}

/** Lets one incident after another strike, each of them before any comes again, until the signal is aborted. */
async function again<T>(
  incidents: readonly T[],
  dice: Dice,
  signal: AbortSignal,
  strike: (incident: T) => Promise<string>,
): Promise<readonly string[]> {
  const struck: string[] = [];
  const deck: T[] = [];
  while (!signal.aborted) {
    if (deck.length === 0) deck.push(...dice.shuffle(incidents));
    struck.push(await strike(deck.pop() as T));
  }
  return struck;
}
