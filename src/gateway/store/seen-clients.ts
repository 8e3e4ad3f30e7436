/**
 * ClientIds that NGINX's stream block has seen, for its http block: which wants them only while devices are in flight, and
 * says how they begin. The zone is bounded: the oldest entries make room, and none outlives the zone's `timeout`. So nothing
 * is noted any more once nobody has asked for so long.
 */

/** An njs dictionary of strings. */
export interface Clients {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
  delete(key: string): boolean;
  items(max: number): [string, string][];
}

/** What ClientIds begin with that are wanted, with spaces between. No ClientId holds a space: see model/mqtt.ts. */
const WANTED = ' wanted';
/** The longest ClientId that is noted: a pattern and an id. */
const MAX_LENGTH = 128;
/** ClientIds that are given at a time. */
const MAX_TAKEN = 1000;

/** Notes a ClientId that is wanted. `now`: in milliseconds since the epoch. */
export function note(clients: Clients, clientId: string, now: () => number): void {
  const wanted = clients.get(WANTED);
  if (wanted === undefined || clientId.length > MAX_LENGTH) return;
  const prefixes = wanted.split(' ');
  for (let i = 0; i < prefixes.length; i++) {
    if (clientId.indexOf(prefixes[i] as string) !== 0) continue;
    clients.set(clientId, `${now()}`);
    return;
  }
}

/**
 * Takes what was noted, and says what is wanted from now on: ClientIds that begin with one of `prefixes`. Returns each with
 * the time when it was seen last.
 */
export function take(clients: Clients, prefixes: string[]): [clientId: string, at: number][] {
  if (prefixes.length === 0) clients.delete(WANTED);
  else clients.set(WANTED, prefixes.join(' '));
  const taken: [string, number][] = [];
  const items = clients.items(MAX_TAKEN + 1);
  for (let i = 0; i < items.length && taken.length < MAX_TAKEN; i++) {
    const item = items[i] as [string, string];
    if (item[0] === WANTED) continue;
    clients.delete(item[0]);
    taken.push([item[0], Number(item[1])]);
  }
  return taken;
}
