/**
 * What the page knows: what the watcher has sent, and what is chosen here. Plain data; every function returns a new state.
 *
 * @typedef {import('../dashboard-endpoint.js').DashboardMessage} Message
 * @typedef {import('../event-journal.js').JournaledEvent} JournaledEvent
 *
 * @typedef {object} State
 * @property {'connecting' | 'live' | 'lost' | 'denied'} connection `denied`: the watcher asks for a credential again.
 * @property {number | undefined} lostAt When the connection was lost, in ms by the clock of the page.
 * @property {string | undefined} run When the watcher was started.
 * @property {boolean} restarted It was restarted while the page was open.
 * @property {number} clockOffset What is to be added to the clock of the page for the watcher's, in ms.
 * @property {ReadonlyMap<string, unknown>} parts
 * @property {readonly JournaledEvent[]} events The newest first.
 * @property {boolean} eventsMissing Some events before the oldest one are not shown.
 * @property {ReadonlyMap<string, readonly number[]>} rates The last rates of each upstream, the oldest first.
 */

/** How many events the page keeps. */
const MOST_EVENTS = 500;

/** How many rates of an upstream it keeps, one a second. */
const MOST_RATES = 120;

/** @type {State} */
export const INITIAL_STATE = {
  connection: 'connecting',
  lostAt: undefined,
  run: undefined,
  restarted: false,
  clockOffset: 0,
  parts: new Map(),
  events: [],
  eventsMissing: false,
  rates: new Map(),
};

/**
 * Takes a message of the watcher. A message says what is new; the first one of a connection says all.
 *
 * @param {State} state
 * @param {Message} message
 * @param {number} now In ms by the clock of the page.
 * @returns {State}
 */
export function receive(state, message, now) {
  const parts = new Map(message.first ? [] : state.parts);
  for (const name of message.gone ?? []) parts.delete(name);
  for (const [name, part] of Object.entries(message.parts)) parts.set(name, part);
  const sameRun = state.run === message.run;
  return {
    ...state,
    connection: 'live',
    lostAt: undefined,
    run: message.run,
    restarted: state.restarted || (state.run !== undefined && !sameRun),
    clockOffset: message.now - now,
    parts,
    events: withEvents(state.events, message.events ?? []),
    eventsMissing: state.eventsMissing || (message.skipped ?? 0) > 0,
    rates: withRates(message.first ? new Map() : state.rates, parts),
  };
}

/**
 * The watcher does not answer any more, or asks for a credential.
 *
 * @param {State} state
 * @param {'lost' | 'denied'} connection
 * @param {number} now In ms by the clock of the page.
 * @returns {State}
 */
export function disconnect(state, connection, now) {
  return { ...state, connection, lostAt: state.lostAt ?? now };
}

/**
 * @param {readonly JournaledEvent[]} known The newest first.
 * @param {readonly JournaledEvent[]} added The oldest first; some may be known.
 */
function withEvents(known, added) {
  if (added.length === 0) return known;
  const ids = new Set(known.map(({ id }) => id));
  const fresh = added.filter(({ id }) => !ids.has(id)).reverse();
  return [...fresh, ...known].slice(0, MOST_EVENTS);
}

/**
 * One more rate of each upstream, whether or not it has changed: they are drawn over the time.
 *
 * @param {ReadonlyMap<string, readonly number[]>} rates
 * @param {ReadonlyMap<string, unknown>} parts
 */
function withRates(rates, parts) {
  /** @type {Map<string, readonly number[]>} */
  const next = new Map();
  for (const [name, part] of parts) {
    const value = /** @type {{ rate?: unknown } | null} */ (part)?.rate;
    if (!name.startsWith('upstream/') || typeof value !== 'number') continue;
    next.set(name, [...(rates.get(name) ?? []), value].slice(-MOST_RATES));
  }
  return next;
}

/**
 * The parts whose names begin so, in the order of their names, with what follows in the names.
 *
 * @template T
 * @param {State} state
 * @param {string} prefix
 * @returns {readonly (readonly [string, T])[]}
 */
export function partsBelow(state, prefix) {
  return [...state.parts]
    .filter(([name]) => name.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => [name.slice(prefix.length), /** @type {T} */ (part)]);
}
