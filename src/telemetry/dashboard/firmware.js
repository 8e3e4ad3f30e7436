import { count, counted, dayAndTime } from './format.js';
import { partsBelow } from './state.js';
import { h } from './tree.js';
import { badge } from './upstreams.js';

/**
 * @typedef {import('./state.js').State} State
 * @typedef {import('../../firmware/type-status.js').TypeStatus} Type
 * @typedef {import('../../firmware/progress.js').Progress} Progress
 * @typedef {import('../../commands/watch-dashboard.js').DashboardFirmware} Firmware
 */

/** What became of the candidate on the devices, in the order in which it happens. */
const OUTCOMES = /** @type {const} */ ([
  ['offered', 'offered'],
  ['downloaded', 'downloaded'],
  ['booted', 'booted'],
  ['returned', 'of these by their ClientId alone'],
  ['failed', 'failed'],
  ['lost', 'lost'],
  ['unknown', 'unknown'],
  ['inFlight', 'in flight'],
]);

/**
 * The firmware types; undefined where no firmware is offered.
 *
 * @param {State} state
 */
export function firmware(state) {
  const whole = /** @type {Firmware | undefined} */ (state.parts.get('firmware'));
  if (!whole) return undefined;
  const types = partsBelow(state, 'type/').map(([, part]) => /** @type {Type} */ (part));
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
    counting(whole.outcomes),
    announced(whole.brokers),
    types.length === 0
      ? h('p.empty', null, 'No type of device is published for yet.')
      : h('div.types', null, types.map(typeCard)),
  );
}

/** @type {Readonly<Record<string, [kind: 'good' | 'warn' | 'plain', words: string]>>} */
const COUNTING = {
  counting: ['good', 'counted'],
  pending: ['plain', 'not asked yet'],
  uncounted: ['warn', 'not counted'],
  unavailable: ['warn', 'unavailable'],
};

/**
 * Which NGINX counts what becomes of candidates; undefined where there is nothing to count.
 *
 * @param {Firmware['outcomes']} outcomes
 */
function counting(outcomes) {
  const asked = outcomes.filter(({ state }) => state !== 'idle');
  if (asked.length === 0) return undefined;
  return h(
    'p.note',
    { key: 'counting' },
    'Outcomes: ',
    asked.map(({ nginx, state, sample = 1 }) => {
      const [kind, words] = COUNTING[state] ?? ['plain', state];
      const sampled = sample > 1 ? `, one device in ${count(sample)}` : '';
      return h('span', { key: nginx }, `${nginx} `, badge(kind, `${words}${sampled}`), ' ');
    }),
  );
}

/**
 * On how many brokers what is offered is announced, and on which it cannot be; undefined where nothing is announced.
 *
 * @param {Firmware['brokers']} brokers
 */
function announced(brokers) {
  if (!brokers) return undefined;
  const { all, inSync, behind } = brokers;
  return h(
    'div',
    { key: 'brokers' },
    h('p.note', null, `Announced on ${count(inSync)} of ${counted(all, 'broker')}`),
    behind.map(({ broker, state, error }) =>
      h(
        `p.${state === 'unavailable' ? 'error' : 'note'}`,
        { key: broker },
        h('b', null, `${broker} `),
        state === 'unavailable' ? `cannot be told: ${error}` : 'is not told yet',
      ),
    ),
  );
}

/** @param {Type} status */
function typeCard(status) {
  const { type, stable, candidate, paused, shadow, offered, withheld, rejected = [], unreadable } = status;
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
    outcomes(status.progress),
    shadow && h('p.note', { key: 'shadow' }, shadowText(shadow)),
    withheld.map(({ version, reason }) =>
      h('p.error', { key: `withheld ${version}` }, h('b', null, `${version} is not offered: `), reason),
    ),
    rejected.map(({ version, reason }) =>
      h('p.error', { key: `rejected ${version}` }, h('b', null, `${version} is refused: `), reason),
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
 * @param {NonNullable<Type['candidate']>} candidate
 * @param {boolean} paused
 */
function rollout({ percent, groups, phases = [], rescue = [] }, paused) {
  const steps = phases.map((phase) => `${phase} %`).join(', ');
  const words = [
    `${percent} % of the devices`,
    ...(groups.length > 0
      ? [`and ${groups.length === 1 ? 'the group' : 'the groups'} ${groups.join(', ')}`]
      : []),
    ...(rescue.length > 0 ? [`and devices that run ${rescue.join(', ')}`] : []),
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
 * What became of the devices that were offered the candidate, what that proves, and what the next phase waits for.
 *
 * @param {Progress | undefined} progress
 */
function outcomes(progress) {
  if (!progress) return undefined;
  const { all, phases, next, limit, sample } = progress;
  return h(
    'div.devices',
    { key: 'outcomes' },
    sample > 1 && h('p.note', { key: 'sample' }, `One device in ${count(sample)} is counted`),
    figures(all),
    typeof all.proof === 'string' && h('p', { key: 'proof' }, all.proof),
    phases.length > 1 && h('ol.phases', { key: 'phases' }, phases.map(phaseItem)),
    limit && h('p.note', { key: 'limit' }, limitText(limit)),
    next && h('p.note', { key: 'next' }, nextText(next)),
  );
}

/**
 * @param {Progress['phases'][number]} phase
 * @param {number} index
 */
function phaseItem(phase, index) {
  const { percent, at, resumed, proof } = phase;
  const began = `${resumed ? 'resumed' : 'began'} ${dayAndTime(at)}`;
  return h(
    'li',
    { key: String(index) },
    h('p', null, h('b', null, `${percent} % `), h('span.note', null, began)),
    figures(phase),
    typeof proof === 'string' && h('p', { key: 'proof' }, proof),
  );
}

/** @param {import('../../firmware/progress.js').ProvenFigures} known */
function figures(known) {
  return h(
    'dl.outcomes',
    null,
    OUTCOMES.flatMap(([name, words]) => {
      const value = known[name];
      return typeof value === 'number' && (value > 0 || name === 'offered')
        ? [h('div', { key: name }, h('dt', null, words), h('dd', null, count(value)))]
        : [];
    }),
  );
}

/** @param {NonNullable<Type['shadow']>} shadow */
function shadowText({ version, percent, devices, running }) {
  const now = running
    .map((one) => `${count(one.devices)} run ${one.version === 'other' ? 'another' : one.version}`)
    .join(', ');
  const reached = `at ${percent} % it would reach ${counted(devices, 'device')} of those that have asked`;
  return `${version} is in shadow, offered to nobody: ${reached}${now === '' ? '' : ` (${now})`}`;
}

/** @param {NonNullable<Progress['limit']>} limit */
function limitText({ maxFailures, min, outcomes: known, failures }) {
  const so = `${count(failures)} of ${count(known)} so far`;
  return `Halts where more than ${maxFailures} % of at least ${counted(min, 'device')} fail or are lost: ${so}`;
}

/** @param {NonNullable<Progress['next']>} next */
function nextText({ percent, begins, unmet }) {
  if (begins === 'operator') return `${percent} % next, when an operator begins it (rollout --next)`;
  if (begins === 'paused') return `${percent} % next, once it is resumed`;
  const waits = unmet.map((one) =>
    one.kind === 'time'
      ? `${dayAndTime(one.until)} has come`
      : `${count(one.after)} devices have booted (${count(one.booted)} so far)`,
  );
  return waits.length === 0 ? `${percent} % next, at once` : `${percent} % next, when ${waits.join(' and ')}`;
}
