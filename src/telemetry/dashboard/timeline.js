import { count, counted, timeOfDay } from './format.js';
import { h } from './tree.js';

/**
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').JournaledEvent} JournaledEvent
 *
 * @typedef {object} Entry One or more events of the same kind, one after the other.
 * @property {JournaledEvent} event The newest of them.
 * @property {ReadonlySet<string>} addresses The servers that they name, the newest first.
 * @property {number} servers How many servers they are about; an event names some, where there are many.
 * @property {ReadonlySet<string>} nginx Where it happened.
 */

/** Most entries that are shown. */
const MOST_ENTRIES = 100;

/** Addresses that one entry names. */
const MOST_NAMED = 3;

/** What has happened to one server, or several. */
const PHRASES = /** @type {Readonly<Record<string, string>>} */ ({
  'server-added': 'added to',
  'server-updated': 'changed in',
  'server-draining': 'draining in',
  'server-removed': 'removed from',
  'server-failed': 'not changed in',
  'servers-held': 'held in',
  'servers-unheld': 'no longer held in',
  'drain-deferred': 'not drained yet in',
  'server-healthy': 'healthy again',
  'server-unhealthy': 'unhealthy',
});

/** How an event looks: the word is read out, the sign is seen. */
const SIGNS = /** @type {Readonly<Record<string, string>>} */ ({
  'server-added': '+',
  'server-updated': '~',
  'server-draining': '↓',
  'server-removed': '−',
  'servers-held': '‖',
  'server-unhealthy': '!',
});

/**
 * Puts events of the same kind and cause that follow one another into one entry.
 *
 * @param {readonly JournaledEvent[]} events The newest first.
 * @param {string} filter Only those that have this in them; empty: all.
 * @param {number} [most]
 * @returns {readonly Entry[]}
 */
export function entriesOf(events, filter, most = MOST_ENTRIES) {
  /** @type {Entry[]} */
  const entries = [];
  for (const event of events) {
    if (!fits(event, filter)) continue;
    const last = entries.at(-1);
    if (last && isSameKind(last.event, event)) entries[entries.length - 1] = joined(last, entryOf(event));
    else if (entries.length >= most) break;
    else entries.push(entryOf(event));
  }
  return entries;
}

/**
 * @param {JournaledEvent} event
 * @returns {Entry}
 */
function entryOf(event) {
  const { nginx, count: all } = event;
  const addresses = new Set(addressesOf(event));
  return {
    event,
    addresses,
    servers: Math.max(addresses.size, typeof all === 'number' ? all : 0),
    nginx: new Set(typeof nginx === 'string' ? [nginx] : []),
  };
}

/**
 * @param {Entry} newer
 * @param {Entry} older
 * @returns {Entry}
 */
function joined(newer, older) {
  const addresses = new Set([...newer.addresses, ...older.addresses]);
  const servers = Math.max(addresses.size, newer.servers, older.servers);
  return { event: newer.event, addresses, servers, nginx: new Set([...newer.nginx, ...older.nginx]) };
}

/**
 * @param {JournaledEvent} event
 * @param {string} filter
 */
function fits(event, filter) {
  return filter === '' || JSON.stringify(event).toLowerCase().includes(filter.toLowerCase());
}

/** What events have to have in common to be one entry. */
const SAME = ['event', 'kind', 'upstream', 'service', 'because', 'reason', 'level'];

/**
 * @param {JournaledEvent} a
 * @param {JournaledEvent} b
 */
function isSameKind(a, b) {
  return addressesOf(a).length > 0 && SAME.every((field) => a[field] === b[field]);
}

/**
 * @param {JournaledEvent} event
 * @returns {readonly string[]}
 */
function addressesOf({ address, addresses }) {
  if (typeof address === 'string') return [address];
  return Array.isArray(addresses) ? addresses.filter((item) => typeof item === 'string') : [];
}

/**
 * What has happened, in one sentence without its cause: `10.0.0.1:80 added to http/firmware`.
 *
 * @param {Entry} entry
 * @returns {string}
 */
export function sentenceOf({ event, servers, addresses }) {
  const phrase = PHRASES[event.event];
  if (phrase === undefined || addresses.size === 0) return aboutOf(event);
  const who = servers === 1 ? [...addresses].join() : counted(servers, 'server');
  if (typeof event.upstream === 'string') return `${who} ${phrase} ${textOf(event.kind)}/${event.upstream}`;
  return `${who} ${phrase}${event.service === undefined ? '' : ` (${textOf(event.service)})`}`;
}

/** @param {JournaledEvent} event */
function aboutOf(event) {
  const about = [event.key, event.nginx, event.service, event.address].find(
    (name) => typeof name === 'string',
  );
  return about === undefined ? event.message : `${textOf(about)}: ${event.message}`;
}

/**
 * Why it happened: the cause, or the reason that NGINX, etcd or a probe gave.
 *
 * @param {JournaledEvent} event
 * @returns {string}
 */
export function causeOf({ because, reason, summary, event, changes }) {
  const why = [because, reason, summary].find((text) => typeof text === 'string');
  const how = event === 'server-updated' ? changesOf(changes) : '';
  // Why it was done, and what came of it.
  const isBoth = typeof because === 'string' && typeof reason === 'string';
  const cause = isBoth ? `${because} (${reason})` : why;
  return [how, textOf(cause)].filter((text) => text !== '').join(': ');
}

/** @param {unknown} changes */
function changesOf(changes) {
  if (typeof changes !== 'object' || changes === null) return '';
  return Object.entries(changes)
    .map(([name, value]) => `${name}=${textOf(value)}`)
    .join(', ');
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function textOf(value) {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * The time line: what has happened and why, the newest first.
 *
 * @param {State} state
 * @param {{ filter: string, severalNginx: boolean }} options
 */
export function timeline(state, { filter, severalNginx }) {
  const entries = entriesOf(state.events, filter);
  return h(
    'section.panel.timeline',
    { key: 'timeline', 'aria-labelledby': 'timeline-title' },
    h(
      'div.panel-head',
      null,
      h('h2', { id: 'timeline-title' }, 'What happened'),
      h(
        'label.filter',
        null,
        h('span.unseen', null, 'Show only events with this text'),
        h('input', { type: 'search', placeholder: 'Filter', 'data-do': 'filter-events' }),
      ),
    ),
    entries.length === 0
      ? h('p.empty', null, filter === '' ? 'Nothing has happened yet.' : 'No event has this text.')
      : h(
          'ol.entries',
          { tabindex: '0', 'aria-label': 'Events, the newest first' },
          entries.map((entry) => listItem(entry, severalNginx)),
        ),
    state.eventsMissing && h('p.note', null, 'Older events: sidekick events'),
  );
}

/**
 * @param {Entry} entry
 * @param {boolean} severalNginx
 */
function listItem(entry, severalNginx) {
  const { event, servers, addresses, nginx } = entry;
  const cause = causeOf(event);
  const sign = SIGNS[event.event];
  const where = severalNginx && PHRASES[event.event] !== undefined ? [...nginx].sort().join(', ') : '';
  return h(
    `li.entry.level-${LEVELS.includes(event.level) ? event.level : 'info'}`,
    { key: event.id, 'data-event': event.event },
    h('time', { datetime: event.time, title: event.time }, timeOfDay(event.time)),
    h(`span.sign.sign-${sign === undefined ? 'other' : event.event}`, { 'aria-hidden': 'true' }, sign ?? '·'),
    h(
      'div',
      null,
      h('p.what', null, sentenceOf(entry), where !== '' && h('span.where', null, ` ${where}`)),
      cause !== '' && h('p.why', null, cause),
      servers > 1 && h('p.note', null, namesOf(addresses, servers)),
    ),
  );
}

/**
 * @param {ReadonlySet<string>} addresses
 * @param {number} servers How many there are.
 */
function namesOf(addresses, servers) {
  const named = [...addresses].slice(0, MOST_NAMED);
  const others = servers - named.length;
  return `${named.join(', ')}${others > 0 ? ` and ${count(others)} more` : ''}`;
}

const LEVELS = ['info', 'warn', 'error'];
