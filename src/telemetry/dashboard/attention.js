import { counted, span } from './format.js';
import { partsBelow } from './state.js';
import { h } from './tree.js';

/**
 * @typedef {import('./state.js').State} State
 * @typedef {import('../../daemon/watcher/view.js').WatcherView} WatcherView
 * @typedef {import('../../commands/watch-dashboard.js').DashboardNginx} Nginx
 * @typedef {import('../../commands/watch-dashboard.js').DashboardUpstream} Upstream
 * @typedef {import('../../firmware/type-status.js').TypeStatus} FirmwareType
 * @typedef {import('../../commands/watch-dashboard.js').DashboardFirmware} Firmware
 *
 * @typedef {object} Problem
 * @property {string} key
 * @property {'bad' | 'warn'} severity
 * @property {string} what
 * @property {string | undefined} [why]
 * @property {string | undefined} [remedy] What to do.
 */

/** Most problems that are shown; of more there is a count. */
const MOST_PROBLEMS = 12;

/**
 * What is wrong, the worst first, each with what to do about it.
 *
 * @param {State} state
 * @param {number} now In ms, by the watcher's clock.
 * @returns {readonly Problem[]}
 */
export function problemsOf(state, now) {
  const found = [
    ...watcherProblems(state),
    ...unmappedProblems(state),
    ...partsBelow(state, 'nginx/').flatMap(([name, part]) =>
      nginxProblems(name, /** @type {Nginx} */ (part), now),
    ),
    ...partsBelow(state, 'upstream/').flatMap(([name, part]) =>
      upstreamProblems(
        name,
        /** @type {Upstream} */ (part),
        isConnected(state, /** @type {Upstream} */ (part)),
      ),
    ),
    ...registrationProblems(state),
    ...firmwareProblems(state),
  ];
  return [
    ...found.filter(({ severity }) => severity === 'bad'),
    ...found.filter(({ severity }) => severity !== 'bad'),
  ];
}

/**
 * @param {State} state
 * @param {Upstream} upstream
 */
function isConnected(state, upstream) {
  return /** @type {Nginx | undefined} */ (state.parts.get(`nginx/${upstream.nginx}`))?.state === 'connected';
}

/**
 * @param {State} state
 * @returns {Problem[]}
 */
function watcherProblems(state) {
  const watcher = /** @type {WatcherView['watcher'] | undefined} */ (state.parts.get('watcher'));
  if (!watcher) return [];
  const { id, superseded, etcd } = watcher;
  /** @type {Problem[]} */
  const problems = [];
  if (superseded) {
    problems.push({
      key: 'superseded',
      severity: 'bad',
      what: `Another watcher with the id ${id} was started later`,
      remedy: 'Give one of the two another id.',
    });
  }
  if (etcd.state === 'refused') {
    problems.push({
      key: 'etcd',
      severity: 'bad',
      what: 'etcd refuses this watcher',
      why: etcd.error,
      remedy: 'NGINX keeps what it has until then.',
    });
  } else if (etcd.state !== 'connected') {
    problems.push({
      key: 'etcd',
      severity: 'bad',
      what: 'etcd is unavailable',
      why: etcd.error,
      remedy: 'NGINX keeps what it has. Check etcd and the network.',
    });
  }
  return problems;
}

/**
 * Services that feed no upstream, each once however many NGINX there are.
 *
 * @param {State} state
 * @returns {Problem[]}
 */
function unmappedProblems(state) {
  /** @type {Map<string, string[]>} */
  const places = new Map();
  for (const [name, part] of partsBelow(state, 'nginx/')) {
    for (const message of /** @type {Nginx} */ (part).problems) {
      places.set(message, [...(places.get(message) ?? []), name]);
    }
  }
  return [...places].map(([message, names]) => ({
    key: `unmapped/${message}`,
    severity: 'warn',
    what: message,
    why: names.join(', '),
    remedy:
      'Declare the group in NGINX, or map the service with upstreams in the configuration of the watcher.',
  }));
}

/**
 * @param {string} name
 * @param {Nginx} nginx
 * @param {number} now
 * @returns {Problem[]}
 */
function nginxProblems(name, { state, error, lastSeenAt, more }, now) {
  const lastSeen =
    lastSeenAt === undefined ? 'It has never answered.' : `It last answered ${span(now - lastSeenAt)} ago.`;
  /** @type {Problem[]} */
  const found = [];
  if (state === 'refused') {
    found.push({
      key: `nginx/${name}`,
      severity: 'bad',
      what: `NGINX ${name} refuses the watcher`,
      why: error,
      remedy: `${lastSeen} Check nginx.api and the credential.`,
    });
  } else if (state === 'unavailable') {
    found.push({
      key: `nginx/${name}`,
      severity: 'bad',
      what: `NGINX ${name} is unavailable`,
      why: error,
      remedy: `${lastSeen} It is asked again all the time.`,
    });
  }
  if (more > 0) {
    found.push({
      key: `more/${name}`,
      severity: 'warn',
      what: `${counted(more, 'upstream')} of NGINX ${name} not shown here`,
      remedy: 'sidekick status shows all.',
    });
  }
  return found;
}

/**
 * @param {string} name
 * @param {Upstream} upstream
 * @param {boolean} connected
 * @returns {Problem[]}
 */
function upstreamProblems(name, { nginx, kind, name: group, services, inSync, counts, errors }, connected) {
  if (!connected) return [];
  const where = `${kind}/${group} of ${nginx}`;
  /** @type {Problem[]} */
  const found = [];
  const { held = 0, missing = 0, down = 0, up = 0 } = counts;
  const [error] = errors;
  if (error !== undefined) {
    found.push({ key: `errors/${name}`, severity: 'bad', what: `${where} is not in sync`, why: error });
  } else if (missing > 0 && !inSync) {
    found.push({
      key: `missing/${name}`,
      severity: 'warn',
      what: `${counted(missing, 'server')} missing in ${where}`,
      remedy: 'Retried all the time.',
    });
  }
  if (held > 0) {
    found.push({
      key: `held/${name}`,
      severity: 'warn',
      what: `The guard holds ${counted(held, 'server')} in ${where}`,
      why: 'too many vanished from etcd at once',
      remedy: `Check etcd and the hosts; where the servers are really gone: sidekick unhold ${services.join(' ')}`,
    });
  }
  if (down > 0 && up === 0) {
    found.push({
      key: `down/${name}`,
      severity: 'bad',
      what: `No server of ${where} is up`,
      remedy: 'See why below.',
    });
  } else if (down > 0) {
    found.push({
      key: `down/${name}`,
      severity: 'warn',
      what: `${counted(down, 'server')} down in ${where}`,
      remedy: 'See why below.',
    });
  }
  return found;
}

/**
 * @param {State} state
 * @returns {Problem[]}
 */
function registrationProblems(state) {
  const rejected = /** @type {number | undefined} */ (state.parts.get('rejectedCount')) ?? 0;
  const services = /** @type {WatcherView['services'] | undefined} */ (state.parts.get('services')) ?? [];
  /** @type {Problem[]} */
  const found = services
    .filter(({ overLimit }) => overLimit > 0)
    .map(({ name, overLimit }) => ({
      key: `limit/${name}`,
      severity: 'warn',
      what: `${counted(overLimit, 'registration')} of ${name} left out: the service has reached its limits`,
      remedy: 'Find out who writes the keys, or raise limits.instances and limits.bytes.',
    }));
  if (rejected > 0) {
    found.unshift({
      key: 'rejected',
      severity: 'warn',
      what: `${counted(rejected, 'registration')} refused`,
      remedy: 'See why under Refused registrations.',
    });
  }
  return found;
}

/**
 * @param {State} state
 * @returns {Problem[]}
 */
function firmwareProblems(state) {
  const types = partsBelow(state, 'type/').map(([, part]) => /** @type {FirmwareType} */ (part));
  const firmware = /** @type {Firmware | undefined} */ (state.parts.get('firmware'));
  const withheld = types.flatMap(({ type, withheld: releases }) =>
    releases.map(
      /** @returns {Problem} */
      ({ version, reason }) => ({
        key: `withheld/${type}/${version}`,
        severity: 'warn',
        what: `Firmware ${type} ${version} is not offered`,
        why: reason,
      }),
    ),
  );
  const untold = (firmware?.nginx ?? [])
    .filter(({ state: told }) => told === 'unavailable' || told === 'unserved')
    .map(
      /** @returns {Problem} */
      ({ nginx, state: told, error }) => ({
        key: `untold/${nginx}`,
        severity: 'warn',
        what:
          told === 'unserved'
            ? `NGINX ${nginx} has no zone for firmware`
            : `NGINX ${nginx} cannot be told what devices are offered`,
        why: error,
      }),
    );
  const uncounted = (firmware?.outcomes ?? [])
    .filter(({ state: counted }) => counted === 'uncounted' || counted === 'unavailable')
    .map(
      /** @returns {Problem} */
      ({ nginx, state: counted, error }) => ({
        key: `uncounted/${nginx}`,
        severity: 'warn',
        what:
          counted === 'uncounted'
            ? `NGINX ${nginx} does not count the outcomes of firmware`
            : `NGINX ${nginx} does not report the outcomes of firmware`,
        why: error,
        remedy: 'What its devices do halts no rollout and begins no phase.',
      }),
    );
  return [...withheld, ...untold, ...uncounted];
}

/**
 * The list of problems; undefined where there are none.
 *
 * @param {readonly Problem[]} problems
 */
export function attention(problems) {
  if (problems.length === 0) return undefined;
  const more = problems.length - MOST_PROBLEMS;
  return h(
    'section.panel.attention',
    { key: 'attention', 'aria-labelledby': 'attention-title' },
    h('h2', { id: 'attention-title' }, 'Needs attention'),
    h(
      'ul',
      null,
      problems
        .slice(0, MOST_PROBLEMS)
        .map(({ key, severity, what, why, remedy }) =>
          h(
            `li.problem.${severity}`,
            { key },
            h('span.mark', { 'aria-hidden': 'true' }, severity === 'bad' ? '✕' : '!'),
            h(
              'div',
              null,
              h(
                'p.what',
                null,
                h('span.unseen', null, severity === 'bad' ? 'Error: ' : 'Warning: '),
                what,
                why ? h('span.why', null, `: ${why}`) : '',
              ),
              remedy && h('p.remedy', null, remedy),
            ),
          ),
        ),
    ),
    more > 0 && h('p.note', null, `and ${counted(more, 'more problem')}`),
  );
}
