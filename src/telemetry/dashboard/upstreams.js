import { count, counted, rate, timeLeft } from './format.js';
import { partsBelow } from './state.js';
import { h } from './tree.js';

/**
 * @typedef {import('./state.js').State} State
 * @typedef {import('../../commands/watch-dashboard.js').DashboardNginx} Nginx
 * @typedef {import('../../commands/watch-dashboard.js').DashboardUpstream} Upstream
 * @typedef {import('../../commands/watch-dashboard.js').DashboardServer} Server
 * @typedef {import('../../daemon/watcher/view.js').ServerState} ServerState
 *
 * @typedef {object} Page Servers of one upstream that a reader looks through.
 * @property {number} from
 * @property {string} filter
 * @property {readonly Server[] | undefined} servers Undefined until they have come.
 * @property {number} total
 *
 * @typedef {object} Choices What a reader has chosen.
 * @property {ReadonlyMap<string, boolean>} opened Upstreams that were opened or closed.
 * @property {ReadonlyMap<string, Page>} pages Upstreams that are looked through.
 */

/** The states, each with the sign and the word that stand for it. */
const STATES = /** @type {const} */ ([
  ['missing', '○', 'missing'],
  ['down', '✕', 'down'],
  ['held', '‖', 'held'],
  ['draining', '↓', 'draining'],
  ['unknown', '?', 'unknown'],
  ['up', '●', 'up'],
]);

/** Where there are so few upstreams, all are open at first. */
const FEW_UPSTREAMS = 6;

/** Servers of an upstream that are listed although they are up. */
const UP_LISTED = 10;

/** Servers of one page. */
export const PAGE_SIZE = 50;

/**
 * The upstreams by NGINX.
 *
 * @param {State} state
 * @param {Choices} choices
 * @param {number} now In ms, by the watcher's clock.
 */
export function upstreams(state, choices, now) {
  const nginx = partsBelow(state, 'nginx/');
  return h(
    'section',
    { key: 'upstreams', id: 'upstreams', 'aria-label': 'Upstreams', tabindex: '-1' },
    nginx.map(([name, part]) => nginxSection(state, name, /** @type {Nginx} */ (part), { choices, now })),
  );
}

/**
 * @typedef {{ choices: Choices, now: number }} Context
 *
 * @param {State} state
 * @param {string} name
 * @param {Nginx} nginx
 * @param {Context} context
 */
function nginxSection(state, name, nginx, context) {
  const all = partsBelow(state, 'upstream/');
  const own = all.filter(([, part]) => /** @type {Upstream} */ (part).nginx === name);
  const { state: connection, version, unfed, more } = nginx;
  return h(
    'section.nginx',
    { key: name, 'aria-label': `NGINX ${name}` },
    h(
      'div.nginx-head',
      null,
      h('h2', null, h('span.kind', null, 'NGINX '), name),
      badge(connection === 'connected' ? 'good' : 'bad', connection),
      version && h('span.note', null, version),
    ),
    own.map(([key, part]) =>
      upstreamPanel(
        `upstream/${key}`,
        /** @type {Upstream} */ (part),
        state.rates.get(`upstream/${key}`) ?? [],
        all.length,
        context,
      ),
    ),
    own.length === 0 && h('p.empty', null, 'No service feeds an upstream here yet.'),
    more > 0 && h('p.note', null, `and ${counted(more, 'more upstream')}`),
    unfed.length > 0 && h('p.note', null, `Groups that no service feeds, left alone: ${unfed.join(', ')}`),
  );
}

/**
 * @param {string} key
 * @param {Upstream} upstream
 * @param {readonly number[]} rates
 * @param {number} among How many upstreams there are.
 * @param {Context} context
 */
function upstreamPanel(key, upstream, rates, among, context) {
  const { choices } = context;
  const { kind, name, services, inSync, counts, active, rate: perSecond, unmanaged, errors } = upstream;
  const open = choices.opened.get(key) ?? isOpenAtFirst(upstream, among);
  const id = `servers-${encodeURIComponent(key)}`;
  const fedByOthers = services.join() !== name;
  return h(
    'article.panel.upstream',
    { key, 'data-upstream': `${kind}/${name}` },
    h(
      'h3',
      null,
      h(
        'button.upstream-head',
        {
          type: 'button',
          'aria-expanded': String(open),
          'aria-controls': id,
          'data-do': open ? 'close' : 'open',
          'data-key': key,
        },
        h('span.chevron', { 'aria-hidden': 'true' }, open ? '▾' : '▸'),
        h('span.upstream-name', null, h('span.kind', null, `${kind}/`), name),
        syncBadge(counts, inSync),
        h(
          'span.figures',
          null,
          active !== undefined && h('span.figure', null, h('b', null, count(active)), ' open'),
          perSecond !== undefined &&
            h(
              'span.figure',
              null,
              h('b', null, rate(perSecond)),
              kind === 'http' ? ' requests/s' : ' connections/s',
            ),
          rates.length > 1 && sparkline(rates),
        ),
      ),
    ),
    h('div.summary', null, stateBar(counts), h('p.counts', null, countsOf(counts))),
    (fedByOthers || unmanaged > 0) &&
      h(
        'p.note',
        null,
        fedByOthers && `fed by ${services.join(', ')}`,
        fedByOthers && unmanaged > 0 ? '; ' : '',
        unmanaged > 0 && `${counted(unmanaged, 'server')} that sidekick does not manage`,
      ),
    counts.unknown === undefined &&
      errors.map((error, index) => h('p.error', { key: `error${index}` }, error)),
    h('div', { id, key: 'servers', hidden: !open }, open && servers(key, upstream, context)),
  );
}

/**
 * @param {Upstream} upstream
 * @param {number} among
 */
function isOpenAtFirst({ counts }, among) {
  const states = Object.keys(counts);
  if (states.includes('unknown')) return false;
  return among <= FEW_UPSTREAMS || states.some((state) => state !== 'up');
}

/**
 * @param {Upstream['counts']} counts
 * @param {boolean} inSync
 */
function syncBadge(counts, inSync) {
  if (counts.unknown !== undefined) return badge('plain', 'not known');
  if (!inSync) return badge('warn', 'not in sync');
  // It is in sync but for what the guard holds.
  return counts.held === undefined ? badge('good', 'in sync') : badge('warn', 'guard holds');
}

/**
 * A word with a colour.
 *
 * @param {'good' | 'warn' | 'bad' | 'plain'} tone
 * @param {string} word
 */
export function badge(tone, word) {
  return h(`span.badge.${tone}`, null, word);
}

/** @param {Upstream['counts']} counts */
function totalOf(counts) {
  return Object.values(counts).reduce((sum, value) => sum + value, 0);
}

/**
 * In words: `3 up, 1 draining`.
 *
 * @param {Upstream['counts']} counts
 */
export function countsOf(counts) {
  const parts = [...STATES].reverse().flatMap(([state, , word]) => {
    const value = counts[state] ?? 0;
    return value > 0 ? [`${count(value)} ${word}`] : [];
  });
  return parts.length === 0 ? 'no servers' : parts.join(', ');
}

/** @param {Upstream['counts']} counts */
function stateBar(counts) {
  const total = totalOf(counts);
  if (total === 0) return undefined;
  return h(
    'div.bar',
    { 'aria-hidden': 'true' },
    [...STATES].reverse().flatMap(([state]) => {
      const value = counts[state] ?? 0;
      return value > 0
        ? [h(`span.part.state-${state}`, { key: state, style: { 'flex-grow': String(value) } })]
        : [];
    }),
  );
}

/**
 * The servers that need attention and some that do not, or the page that is looked through.
 *
 * @param {string} key
 * @param {Upstream} upstream
 * @param {Context} context
 */
function servers(key, upstream, { choices, now }) {
  const page = choices.pages.get(key);
  const total = totalOf(upstream.counts);
  const shown = page?.servers ?? listed(upstream.servers);
  const perSecond = upstream.kind === 'http' ? 'Requests/s' : 'Conn./s';
  return [
    page && browser(key, page),
    shown.length > 0 &&
      h(
        'div.scroll',
        {
          key: 'table',
          role: 'group',
          tabindex: 0,
          'aria-label': `Servers of ${upstream.kind}/${upstream.name}`,
        },
        // The roles stand here because a narrow page lays the rows out in two lines, and then some browsers forget them.
        h(
          'table.servers',
          { role: 'table' },
          h('caption.unseen', null, `Servers of ${upstream.kind}/${upstream.name}`),
          h(
            'thead',
            { role: 'rowgroup' },
            h(
              'tr',
              { role: 'row' },
              columnHead('th', 'Server'),
              columnHead('th', 'State'),
              columnHead('th.number', 'Open'),
              columnHead('th.number', perSecond),
              columnHead('th', 'Why'),
            ),
          ),
          h(
            'tbody',
            { role: 'rowgroup' },
            shown.map((server) => serverRow(server, now)),
          ),
        ),
      ),
    !page &&
      total > shown.length &&
      h(
        'button.more',
        { key: 'more', type: 'button', 'data-do': 'browse', 'data-key': key, 'data-from': 0 },
        `Browse all ${count(total)} servers`,
      ),
  ];
}

/**
 * @param {string} tag
 * @param {string} name
 */
function columnHead(tag, name) {
  return h(tag, { scope: 'col', role: 'columnheader' }, name);
}

/** @param {readonly Server[]} all Those that need attention first. */
function listed(all) {
  const unusual = all.filter(({ state }) => state !== 'up').length;
  return all.slice(0, Math.max(UP_LISTED, unusual));
}

/**
 * @param {string} key
 * @param {Page} page
 */
function browser(key, { from, filter, servers: shown, total }) {
  const last = Math.min(total, from + (shown?.length ?? 0));
  const place =
    total === 0
      ? `No server has ${filter} in its address.`
      : `${count(from + 1)} to ${count(last)} of ${count(total)}`;
  return h(
    'div.browser',
    { key: 'browser' },
    h(
      'label.filter',
      null,
      h('span.unseen', null, 'Show only servers whose address has this text'),
      h('input', { type: 'search', placeholder: 'Address', 'data-do': 'filter', 'data-key': key }),
    ),
    h('span.note', null, shown === undefined ? 'Loading…' : place),
    pageButton(key, 'Previous', Math.max(0, from - PAGE_SIZE), from === 0),
    pageButton(key, 'Next', from + PAGE_SIZE, last >= total),
    h('button', { key: 'end', type: 'button', 'data-do': 'end', 'data-key': key }, 'Close'),
  );
}

/**
 * @param {string} key
 * @param {string} label
 * @param {number} from
 * @param {boolean} disabled
 */
function pageButton(key, label, from, disabled) {
  const what = { 'data-do': 'browse', 'data-key': key, 'data-from': from };
  return h('button', { key: label, type: 'button', disabled, ...what }, label);
}

/**
 * @param {Server} server
 * @param {number} now
 */
function serverRow(server, now) {
  const { address, state, active, rate: perSecond } = server;
  const [, sign, word] = STATES.find(([known]) => known === state) ?? ['unknown', '?', state];
  const known = STATES.some(([name]) => name === state) ? state : 'unknown';
  return h(
    'tr',
    { key: address, role: 'row', 'data-server': address, 'data-state': state },
    h('th', { scope: 'row', role: 'rowheader' }, address),
    h(
      'td',
      { role: 'cell' },
      h(`span.state.state-${known}`, null, h('span.sign', { 'aria-hidden': 'true' }, sign), word),
    ),
    h('td.number', { role: 'cell' }, active === undefined ? '' : count(active)),
    h('td.number', { role: 'cell' }, perSecond === undefined ? '' : rate(perSecond)),
    h('td.why', { role: 'cell' }, whyOf(server, now)),
  );
}

/**
 * How much time is left, and why it is so.
 *
 * @param {Server} server
 * @param {number} now
 * @returns {string}
 */
export function whyOf({ state, until, reason }, now) {
  const left = until === undefined ? '' : until > now ? `${timeLeft(until - now)} left` : 'time is over';
  const words = state === 'held' && left !== '' ? left.replace('left', 'until the guard lets go') : left;
  return [words, reason ?? ''].filter((text) => text !== '').join(', ');
}

/**
 * The last rates as a line: it shows whether it goes up or down, the number says how much it is.
 *
 * @param {readonly number[]} rates
 */
function sparkline(rates) {
  return h(
    'svg.sparkline',
    { viewBox: '0 0 100 20', preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' },
    h('path', { d: pathOf(rates) }),
  );
}

/**
 * The path of a line through the values, 100 wide and 20 high.
 *
 * @param {readonly number[]} values At least two.
 * @returns {string}
 */
export function pathOf(values) {
  const highest = Math.max(...values, 1);
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * 100;
    const y = 19 - (value / highest) * 18;
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M${points.join(' L')}`;
}
