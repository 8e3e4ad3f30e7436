import { attention, problemsOf } from './attention.js';
import { firmware } from './firmware.js';
import { count, counted, rate, span } from './format.js';
import { maintenance, refused } from './registrations.js';
import { partsBelow } from './state.js';
import { timeline } from './timeline.js';
import { h } from './tree.js';
import { upstreams } from './upstreams.js';

/**
 * @typedef {import('./state.js').State} State
 * @typedef {import('./upstreams.js').Choices & { readonly filter: string }} Choices `filter`: what the events are filtered by.
 * @typedef {import('../../daemon/watcher/view.js').WatcherView} WatcherView
 * @typedef {import('../../commands/watch-dashboard.js').DashboardNginx} Nginx
 * @typedef {import('../../commands/watch-dashboard.js').DashboardUpstream} Upstream
 */

/**
 * The whole page from what is known.
 *
 * @param {State} state
 * @param {Choices} choices
 * @param {number} pageNow In ms, by the clock of the page.
 */
export function page(state, choices, pageNow) {
  const now = pageNow + state.clockOffset;
  const problems = problemsOf(state, now);
  const severalNginx = partsBelow(state, 'nginx/').length > 1;
  return {
    header: header(state, pageNow),
    main:
      state.parts.size === 0
        ? [h('p.empty', { key: 'empty' }, 'Connecting to the watcher…')]
        : [
            overview(state, problems.length),
            attention(problems),
            h(
              'div.columns',
              { key: 'columns' },
              h(
                'div.column',
                { key: 'left' },
                upstreams(state, choices, now),
                firmware(state),
                maintenance(state),
                refused(state),
              ),
              h('div.column', { key: 'right' }, timeline(state, { filter: choices.filter, severalNginx })),
            ),
          ].filter((part) => part !== undefined),
    announcement: announcementOf(state, problems.length),
    title: titleOf(state, problems.length),
  };
}

/**
 * @param {State} state
 * @param {number} pageNow
 */
function header(state, pageNow) {
  const watcher = /** @type {WatcherView['watcher'] | undefined} */ (state.parts.get('watcher'));
  return [
    h('h1', { key: 'title' }, h('img', { src: 'icon.svg', alt: '', width: 22, height: 22 }), 'sidekick'),
    watcher &&
      h(
        'p.watcher',
        { key: 'watcher' },
        h('b', null, watcher.id),
        h(
          'span.note',
          null,
          `version ${watcher.version}, up ${span(pageNow + state.clockOffset - watcher.since)}`,
        ),
      ),
    connectionPill(state, pageNow),
  ].filter((part) => part !== undefined);
}

/**
 * @param {State} state
 * @param {number} pageNow
 */
function connectionPill({ connection, lostAt, restarted }, pageNow) {
  const ago = lostAt === undefined ? '' : ` for ${span(pageNow - lostAt)}`;
  const words = {
    connecting: 'Connecting…',
    live: restarted ? 'Live, after a restart of the watcher' : 'Live',
    lost: `No connection${ago}: what you see is old. Trying again…`,
    denied: 'The watcher asks for a credential: reload the page',
  };
  return h(
    `p.connection.${connection}`,
    { key: 'connection', 'data-connection': connection },
    h('span.dot', { 'aria-hidden': 'true' }),
    words[connection],
  );
}

/**
 * What matters at a glance.
 *
 * @param {State} state
 * @param {number} problems
 */
function overview(state, problems) {
  const watcher = /** @type {WatcherView['watcher'] | undefined} */ (state.parts.get('watcher'));
  const nginx = partsBelow(state, 'nginx/').map(([, part]) => /** @type {Nginx} */ (part));
  const groups = partsBelow(state, 'upstream/').map(([, part]) => /** @type {Upstream} */ (part));
  const connected = nginx.filter((one) => one.state === 'connected').length;
  const inSync = groups.filter((group) => group.inSync).length;
  const etcd = watcher?.etcd.state ?? 'unavailable';
  return h(
    'section.overview',
    { key: 'overview', 'aria-label': 'Overview' },
    h(
      `p.headline.${problems === 0 ? 'good' : 'warn'}`,
      { key: 'headline' },
      h('span.mark', { 'aria-hidden': 'true' }, problems === 0 ? '✓' : '!'),
      problems === 0
        ? 'Everything is in sync'
        : `${counted(problems, 'thing')} ${problems === 1 ? 'needs' : 'need'} attention`,
    ),
    h(
      'dl.tiles',
      { key: 'tiles' },
      tile('etcd', etcd, etcd === 'connected' ? 'good' : 'bad'),
      tile('NGINX connected', ofAll(connected, nginx.length), connected === nginx.length ? 'good' : 'bad'),
      tile('Upstreams in sync', ofAll(inSync, groups.length), inSync === groups.length ? 'good' : 'warn'),
      tile(
        'Servers up',
        ofAll(
          sumOf(groups, ({ counts }) => counts.up),
          sumOf(groups, allOf),
        ),
        'plain',
      ),
      tile('Requests/s', rateOf(groups, 'http'), 'plain'),
      tile('Open connections', activeOf(groups), 'plain'),
    ),
  );
}

/**
 * @param {string} name
 * @param {string} value
 * @param {'good' | 'warn' | 'bad' | 'plain'} tone
 */
function tile(name, value, tone) {
  return h(`div.tile.${tone}`, { key: name }, h('dt', null, name), h('dd', null, value));
}

/**
 * @param {number} some
 * @param {number} all
 */
function ofAll(some, all) {
  return some === all ? count(all) : `${count(some)} of ${count(all)}`;
}

/** @param {Upstream} upstream */
function allOf({ counts }) {
  return Object.values(counts).reduce((sum, value) => sum + value, 0);
}

/**
 * @param {readonly Upstream[]} groups
 * @param {(group: Upstream) => number | undefined} value
 */
function sumOf(groups, value) {
  return groups.reduce((sum, group) => sum + (value(group) ?? 0), 0);
}

/**
 * @param {readonly Upstream[]} groups
 * @param {'http' | 'stream'} kind
 */
function rateOf(groups, kind) {
  const known = groups.filter((group) => group.kind === kind && group.rate !== undefined);
  return known.length === 0 ? '–' : rate(sumOf(known, (group) => group.rate));
}

/** @param {readonly Upstream[]} groups */
function activeOf(groups) {
  const known = groups.filter(({ active }) => active !== undefined);
  return known.length === 0 ? '–' : count(sumOf(known, ({ active }) => active));
}

/**
 * What a screen reader is told when it changes: the connection and whether all is well, and no figures.
 *
 * @param {State} state
 * @param {number} problems
 */
function announcementOf({ connection }, problems) {
  if (connection === 'lost') return 'The connection to the watcher is lost. Trying again.';
  if (connection === 'denied') return 'The watcher asks for a credential. Reload the page.';
  if (connection === 'connecting') return '';
  return problems === 0
    ? 'Everything is in sync.'
    : `${counted(problems, 'thing')} ${problems === 1 ? 'needs' : 'need'} attention.`;
}

/**
 * @param {State} state
 * @param {number} problems
 */
function titleOf(state, problems) {
  const watcher = /** @type {WatcherView['watcher'] | undefined} */ (state.parts.get('watcher'));
  const name = watcher ? `sidekick ${watcher.id}` : 'sidekick';
  if (state.connection !== 'live') return `${name}: no connection`;
  return problems === 0 ? name : `(${problems}) ${name}`;
}
