import type { FleetService, FleetWatcher } from './fleet-status.js';
import type { PublishedNginx, PublishedUpstream } from './published-status.js';

/** Something that is wrong. */
export interface FleetProblem {
  readonly what: string;
  readonly todo: string;
}

/** What is looked through for problems. */
interface FleetFindings {
  readonly services: readonly FleetService[];
  readonly watchers: readonly FleetWatcher[];
  /** Keys that cannot be read, each with the reason. */
  readonly rejected: readonly { readonly key: string; readonly reason: string }[];
  /** In ms since the epoch. */
  readonly now: number;
}

/** Every bad state in words, with what to do, the widest first. */
export function findProblems(findings: FleetFindings): readonly FleetProblem[] {
  const { services, watchers, now } = findings;
  return [
    ...watcherProblems(watchers),
    ...watchers.flatMap(({ id, published }) =>
      (published?.nginx ?? []).flatMap((nginx) => nginxProblems(id, nginx, now)),
    ),
    ...services.flatMap((service) => serviceProblems(service, watchers)),
    ...rejections(findings),
  ];
}

function watcherProblems(watchers: readonly FleetWatcher[]): readonly FleetProblem[] {
  if (watchers.length === 0) {
    return [
      {
        what: 'no watcher is running: nothing keeps NGINX in sync',
        todo: 'start `sidekick watch` beside NGINX',
      },
    ];
  }
  return watchers.flatMap(({ id, published }) => {
    if (!published) {
      return [
        {
          what: `watcher ${id} runs, but publishes no status`,
          todo: 'update it, or let its etcd role write the prefix status/ (docs/security.md)',
        },
      ];
    }
    const limited = published.limited.map(({ service, overLimit }) => ({
      what: `watcher ${id} leaves out ${count(overLimit, 'key')} of ${service}: there are more than it allows`,
      todo: 'find out who writes the keys, or raise limits.instances or limits.bytes of the watcher',
    }));
    if (published.error === undefined) return limited;
    return [
      ...limited,
      { what: `watcher ${id}: ${published.error}`, todo: `run \`sidekick status --local\` on its host` },
    ];
  });
}

function nginxProblems(watcher: string, nginx: PublishedNginx, now: number): readonly FleetProblem[] {
  const name = `NGINX ${nginx.name} (watcher ${watcher})`;
  if (nginx.state === 'unavailable') {
    const what = `${name} does not answer: ${nginx.error ?? 'not asked yet'}`;
    return [{ what, todo: 'check NGINX and the URL of its API (nginx.api); its servers stay as they are' }];
  }
  if (nginx.state === 'refused') {
    const what = `${name} answers, but not as its API should: ${nginx.error ?? ''}`;
    return [{ what, todo: 'check nginx.api and its credentials' }];
  }
  return [
    ...nginx.problems.map(({ service, message }) => ({
      what: `service ${service} feeds no upstream of ${name}: ${message}`,
      todo: 'add a group of this name to NGINX, or map the service with `upstreams`',
    })),
    ...nginx.unfed.map((group) => ({
      what: `nobody registers for the group ${group} of ${name}`,
      todo: 'start `sidekick register` beside its backends, or map a service to it with `upstreams`',
    })),
    ...nginx.upstreams.flatMap((upstream) =>
      upstreamProblems(`${upstream.kind}/${upstream.name} of ${name}`, upstream, now),
    ),
  ];
}

function upstreamProblems(name: string, upstream: PublishedUpstream, now: number): readonly FleetProblem[] {
  const held = upstream.others.filter(({ state }) => state === 'held');
  const stuck = upstream.others.filter(({ state, until }) => state === 'draining' && (until ?? now) < now);
  const [service = 'SERVICE'] = upstream.services;
  return [
    ...(upstream.error === undefined
      ? []
      : [
          {
            what: `${name} is not in sync: ${upstream.error}`,
            todo: 'see `sidekick events` on the host of the watcher',
          },
        ]),
    ...(held.length === 0
      ? []
      : [
          {
            what: `the guard holds ${count(held.length, 'server')} of ${name}: too many instances vanished at once`,
            todo: `check etcd and their hosts; if they are really gone: sidekick unhold ${service}`,
          },
        ]),
    ...stuck.map(({ address, active }) => ({
      what: `the drain of ${address} in ${name} is stuck: its time is over${active === undefined ? '' : `, ${active} open`}`,
      todo: 'no other server of the group may serve yet: start one; otherwise see `sidekick events` there',
    })),
  ];
}

/** Problems of single instances that are named of one service; of more there is a count. */
const NAMED = 5;

function serviceProblems(service: FleetService, watchers: readonly FleetWatcher[]): readonly FleetProblem[] {
  const { name, instances } = service;
  const bad = instances.filter(({ health }) => health === 'unhealthy');
  const lost = instances.filter(({ health }) => health === 'lost');
  const missing = instances.filter(({ places }) => places.some(({ state }) => state === 'missing'));
  const driven = watchers.some(({ published }) =>
    published?.nginx.some(
      ({ state, more, upstreams, problems }) =>
        // Of an NGINX that does not answer, or of which not all is said, nobody knows.
        state !== 'connected' ||
        more > 0 ||
        upstreams.some(({ services }) => services.includes(name)) ||
        problems.some(({ service: told }) => told === name),
    ),
  );
  return [
    ...(driven || service.registered === 0 || watchers.every(({ published }) => !published)
      ? []
      : [
          {
            what: `service ${name} feeds no upstream`,
            todo: 'add a group of this name to NGINX, or map the service with `upstreams`',
          },
        ]),
    ...few(bad, `more instances of ${name} fail their probes`, ({ address, reason }) => ({
      what: `${name} ${address} fails its probe${reason === undefined ? '' : `: ${reason}`}`,
      todo: 'check the service on its host: it is registered again once its probe succeeds',
    })),
    ...few(lost, `more instances of ${name} were lost`, ({ address, since, reason }) => ({
      what: `${name} ${address} was lost at ${timeText(since ?? 0)}: ${reason ?? ''}`,
      todo: 'check its host and its sidekick; it is forgotten when it registers again, or after an hour',
    })),
    ...few(missing, `more instances of ${name} are missing in NGINX`, ({ address, places }) => ({
      what: `${name} ${address} is registered, but missing in NGINX: ${places.find(({ state }) => state === 'missing')?.reason ?? 'not added yet'}`,
      todo: 'see `sidekick events` on the host of the watcher; a zone that is full has to be made larger',
    })),
  ];
}

/** ISO 8601, in UTC, to the second. What is published is untrusted: it may be no time. */
function timeText(at: number): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? 'an unknown time' : `${time.toISOString().slice(0, -5)}Z`;
}

function rejections({ rejected, watchers }: FleetFindings): readonly FleetProblem[] {
  const all = new Map(rejected.map(({ key, reason }) => [key, reason]));
  for (const { published } of watchers)
    for (const { key, reason } of published?.rejected ?? []) all.set(key, reason);
  return few([...all], 'more keys are rejected', ([key, reason]) => ({
    what: `the registration ${key} is rejected: ${reason}`,
    todo: 'correct the key or delete it; a server that had good parameters keeps them',
  }));
}

function few<T>(
  items: readonly T[],
  more: string,
  problem: (item: T) => FleetProblem,
): readonly FleetProblem[] {
  const named = items.slice(0, NAMED).map(problem);
  const left = items.length - named.length;
  return left > 0 ? [...named, { what: `${left} ${more}`, todo: 'see `sidekick status SERVICE`' }] : named;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
