import { connect } from './connection.js';
import { page } from './page.js';
import { patch } from './patch.js';
import { disconnect, INITIAL_STATE, receive } from './state.js';
import { PAGE_SIZE } from './upstreams.js';

/**
 * @typedef {import('./page.js').Choices} Choices
 * @typedef {import('./upstreams.js').Page} ServerPage
 */

/** How often times are counted down, in ms. */
const TICK = 1_000;

/** How often a page of servers that is looked at is asked for again, in ms. */
const PAGE_REFRESH = 2_000;

let state = INITIAL_STATE;
/** @type {Choices} */
let choices = { opened: new Map(), pages: new Map(), filter: '' };
let isScheduled = false;
/**
 * What is to have the focus once it is there.
 *
 * @type {{ what: string, key: string } | undefined}
 */
let focusNext;

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** Shows what is known with the next frame, however often it is called before. */
function show() {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(() => {
    isScheduled = false;
    const { header, main, announcement, title } = page(state, choices, Date.now());
    patch(element('header'), header);
    patch(element('main'), main);
    const announcer = element('announcer');
    if (announcer.textContent !== announcement) announcer.textContent = announcement;
    document.title = title;
    giveFocus();
  });
}

/** What was pressed may be gone: whoever uses the keyboard goes on at what has come instead. */
function giveFocus() {
  const { what, key } = focusNext ?? {};
  if (what === undefined) return;
  const found = [...document.querySelectorAll(`[data-do="${what}"]`)].find(
    (one) => one instanceof HTMLElement && one.dataset.key === key,
  );
  focusNext = undefined;
  if (found instanceof HTMLElement) found.focus();
}

connect('stream', {
  received(message) {
    state = receive(state, message, Date.now());
    show();
  },
  lost() {
    state = disconnect(state, 'lost', Date.now());
    show();
  },
  denied() {
    state = disconnect(state, 'denied', Date.now());
    show();
  },
});

setInterval(show, TICK);

// --- what a reader does -----------------------------------------------------------------------------------------------

/** @param {Partial<Choices>} chosen */
function choose(chosen) {
  choices = { ...choices, ...chosen };
  show();
}

/**
 * @param {string} key
 * @param {ServerPage | undefined} next Undefined: it is not looked through any more.
 */
function setPage(key, next) {
  const pages = new Map(choices.pages);
  if (next) pages.set(key, next);
  else pages.delete(key);
  choose({ pages });
}

/**
 * @param {string} key
 * @param {number} from
 * @param {string} filter
 */
function browse(key, from, filter) {
  const before = choices.pages.get(key);
  setPage(key, { servers: undefined, total: 0, ...before, from, filter });
  void load(key);
}

/** @param {string} key Of a part `upstream/<nginx>/<kind>/<name>`. */
async function load(key) {
  const wanted = choices.pages.get(key);
  const upstream = /** @type {{ nginx: string, kind: string, name: string } | undefined} */ (
    state.parts.get(key)
  );
  if (!wanted || !upstream) return;
  const { from, filter } = wanted;
  const query = new URLSearchParams({
    nginx: upstream.nginx,
    upstream: `${upstream.kind}/${upstream.name}`,
    from: String(from),
    count: String(PAGE_SIZE),
    filter,
  });
  const answer = await fetch(`servers?${query}`).then(
    (response) => (response.ok ? response.json() : undefined),
    () => undefined,
  );
  // Something else may be looked at by now.
  const current = choices.pages.get(key);
  if (answer && current?.from === from && current.filter === filter)
    setPage(key, { from, filter, ...answer });
}

setInterval(() => {
  if (document.hidden) return;
  for (const key of choices.pages.keys()) void load(key);
}, PAGE_REFRESH);

document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest('[data-do]') : null;
  if (!(button instanceof HTMLButtonElement)) return;
  const { do: what, key = '', from = '0' } = button.dataset;
  if (what === 'open' || what === 'close')
    choose({ opened: new Map(choices.opened).set(key, what === 'open') });
  else if (what === 'browse') {
    if (!choices.pages.has(key)) focusNext = { what: 'filter', key };
    browse(key, Number(from), choices.pages.get(key)?.filter ?? '');
  } else if (what === 'end') {
    focusNext = { what: 'browse', key };
    setPage(key, undefined);
  }
});

document.addEventListener('input', ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return;
  const { do: what, key = '' } = target.dataset;
  if (what === 'filter-events') choose({ filter: target.value });
  else if (what === 'filter') browse(key, 0, target.value.trim());
});

show();
