import { counted, dayAndTime } from './format.js';
import { h } from './tree.js';

/**
 * @typedef {import('./state.js').State} State
 * @typedef {import('../../daemon/watcher/view.js').WatcherView} WatcherView
 */

/**
 * The registrations that are refused, each with the reason; undefined where there are none.
 *
 * @param {State} state
 */
export function refused(state) {
  const rejected = /** @type {WatcherView['rejected'] | undefined} */ (state.parts.get('rejected')) ?? [];
  const total = /** @type {number | undefined} */ (state.parts.get('rejectedCount')) ?? 0;
  if (rejected.length === 0) return undefined;
  return panel(
    'refused',
    'Refused registrations',
    table(
      'Registrations that are refused',
      ['Key', 'Why'],
      rejected.map(({ key, reason }) => ({ key, cells: [key, reason] })),
    ),
    total > rejected.length &&
      h('p.note', null, `and ${counted(total - rejected.length, 'more registration')}`),
  );
}

/**
 * The instances that operators drain; undefined where there are none.
 *
 * @param {State} state
 */
export function maintenance(state) {
  const drained =
    /** @type {WatcherView['maintenance'] | undefined} */ (state.parts.get('maintenance')) ?? [];
  if (drained.length === 0) return undefined;
  return panel(
    'maintenance',
    'Drained by operators',
    table(
      'Instances that operators drain',
      ['Instance', 'By', 'Since', 'Why'],
      drained.map(({ service, address, by = '', at, reason = '' }) => ({
        key: `${service} ${address}`,
        cells: [`${service} ${address}`, by, at === undefined ? '' : dayAndTime(at), reason],
      })),
    ),
  );
}

/**
 * @param {string} key
 * @param {string} title
 * @param {...unknown} content
 */
function panel(key, title, ...content) {
  const id = `${key}-title`;
  return h('section.panel', { key, 'aria-labelledby': id }, h('h2', { id }, title), ...content);
}

/**
 * @param {string} caption
 * @param {readonly string[]} head
 * @param {readonly { readonly key: string, readonly cells: readonly string[] }[]} rows
 */
function table(caption, head, rows) {
  return h(
    'div.scroll',
    { role: 'group', tabindex: 0, 'aria-label': caption },
    h(
      'table',
      null,
      h('caption.unseen', null, caption),
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          head.map((name) => h('th', { scope: 'col' }, name)),
        ),
      ),
      h(
        'tbody',
        null,
        rows.map(({ key, cells: [first = '', ...others] }) =>
          h(
            'tr',
            { key },
            h('th', { scope: 'row' }, first),
            others.map((cell) => h('td', null, cell)),
          ),
        ),
      ),
    ),
  );
}
