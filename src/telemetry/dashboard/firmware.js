import { count, counted, dayAndTime } from './format.js';
import { partsBelow } from './state.js';
import { h } from './tree.js';
import { badge } from './upstreams.js';

/**
 * @typedef {import('./state.js').State} State
 * @typedef {import('../../firmware/type-status.js').TypeStatus} FirmwareType
 * @typedef {import('../../commands/watch-dashboard.js').DashboardFirmware} Firmware
 */

/** What became of the candidate on the devices, in the order in which it happens. */
const OUTCOMES = ['offered', 'downloaded', 'booted', 'failed', 'lost', 'unknown'];

/**
 * The firmware types; undefined where no firmware is offered.
 *
 * @param {State} state
 */
export function firmware(state) {
  const whole = /** @type {Firmware | undefined} */ (state.parts.get('firmware'));
  if (!whole) return undefined;
  const types = partsBelow(state, 'type/').map(([, part]) => /** @type {FirmwareType} */ (part));
  return h(
    'section.panel.firmware',
    { key: 'firmware', 'aria-labelledby': 'firmware-title' },
    h(
      'div.panel-head',
      null,
      h('h2', { id: 'firmware-title' }, 'Firmware'),
      h('span.note', null, `${counted(whole.servers, 'firmware server')}`),
      whole.nginx.map(({ nginx, state: told }) =>
        h(
          'span.note',
          { key: nginx },
          `${nginx} `,
          badge(told === 'in-sync' ? 'good' : 'warn', told.replace('-', ' ')),
        ),
      ),
    ),
    types.length === 0
      ? h('p.empty', null, 'No type of device is published for yet.')
      : h('div.types', null, types.map(typeCard)),
  );
}

/** @param {FirmwareType} status */
function typeCard(status) {
  const { type, stable, candidate, paused, offered, withheld, unreadable } = status;
  return h(
    'article.type',
    { key: type, 'data-type': type },
    h('h3', null, type, paused && badge('warn', 'paused')),
    h(
      'dl',
      null,
      h(
        'div',
        { key: 'stable' },
        h('dt', null, 'Stable'),
        h('dd', null, stable === undefined ? 'none' : release(stable, offered)),
      ),
      candidate &&
        h(
          'div',
          { key: 'candidate' },
          h('dt', null, 'Candidate'),
          h('dd', null, release(candidate.version, offered)),
        ),
    ),
    candidate && rollout(candidate, paused !== undefined),
    paused &&
      h(
        'p.why',
        { key: 'paused' },
        `Paused by ${paused.by} at ${dayAndTime(paused.at)}${paused.reason ? `: ${paused.reason}` : ''}`,
      ),
    outcomes(status),
    withheld.map(({ version, reason }) =>
      h('p.error', { key: `withheld ${version}` }, h('b', null, `${version} is not offered: `), reason),
    ),
    unreadable.length > 0 &&
      h(
        'p.error',
        { key: 'unreadable' },
        `${counted(unreadable.length, 'key')} cannot be read: ${unreadable[0]?.key}`,
      ),
  );
}

/**
 * @param {string} version
 * @param {readonly string[]} offered
 */
function release(version, offered) {
  return [
    h('b', null, version),
    offered.includes(version) ? badge('good', 'offered') : badge('plain', 'not offered'),
  ];
}

/**
 * How far the candidate is: its percentage, and the phases where there are any.
 *
 * @param {NonNullable<FirmwareType['candidate']> & { readonly phases?: readonly number[] }} candidate
 * @param {boolean} paused
 */
function rollout({ percent, groups, phases = [] }, paused) {
  const steps = phases.map((phase) => `${phase} %`).join(', ');
  const words = [
    `${percent} % of the devices`,
    ...(groups.length > 0
      ? [`and ${groups.length === 1 ? 'the group' : 'the groups'} ${groups.join(', ')}`]
      : []),
    ...(steps === '' ? [] : [`(phases: ${steps})`]),
  ].join(' ');
  return h(
    'div.rollout',
    { key: 'rollout' },
    h(
      `div.progress${paused ? '.paused' : ''}`,
      { 'aria-hidden': 'true' },
      h('span.done', { style: { width: `${Math.max(0, Math.min(100, percent))}%` } }),
      phases.map((phase) =>
        h('span.phase', { key: phase, style: { left: `${Math.max(0, Math.min(100, phase))}%` } }),
      ),
    ),
    h('p', null, words),
  );
}

/**
 * What is known of the devices; undefined where nothing is counted.
 *
 * @param {FirmwareType & { readonly outcomes?: unknown }} status
 */
function outcomes({ outcomes: counts }) {
  if (typeof counts !== 'object' || counts === null) return undefined;
  const known = OUTCOMES.flatMap((name) => {
    const value = /** @type {Record<string, unknown>} */ (counts)[name];
    return typeof value === 'number'
      ? [h('div', { key: name }, h('dt', null, name), h('dd', null, count(value)))]
      : [];
  });
  return known.length > 0 ? h('dl.outcomes', { key: 'outcomes' }, known) : undefined;
}
