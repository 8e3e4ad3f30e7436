import { formatDuration } from '../config/engine/duration.js';
import type {
  FleetInstance,
  FleetPlace,
  FleetService,
  FleetStatus,
  FleetWatcher,
} from '../core/fleet-status.js';
import type { TypeStatus } from '../firmware/type-status.js';
import { typeLines } from './firmware/status-text.js';
import { lines, table } from './status-text.js';

/** Problems that are printed; of more there is a count. */
const PROBLEMS = 20;

/** Instances of a service that are printed: all where they are few, else only those not in sync. */
const FEW = 12;
const MOST = 50;
/** Of a service that is asked for. */
const MOST_OF_ONE = 1_000;

/** What is shown. */
interface FleetView {
  /** Only this service. */
  readonly service?: string | undefined;
  /** In ms since the epoch. */
  readonly now: number;
}

/** The whole fleet as text, or one service of it. */
export function fleetText(
  fleet: FleetStatus & { readonly firmware?: readonly TypeStatus[] },
  { service, now }: FleetView,
): string {
  const shown = fleet.services.filter(({ name }) => service === undefined || name === service);
  const limit = service === undefined ? MOST : MOST_OF_ONE;
  return lines([
    headline(fleet),
    ...(service !== undefined && shown.length === 0 ? ['', `no instance of ${service} is registered`] : []),
    ...shown.flatMap((one) => ['', ...serviceLines(one, { limit, now })]),
    '',
    ...table(
      ['WATCHER', 'VERSION', 'READY', 'SINCE', 'NGINX'],
      fleet.watchers.map((watcher) => watcherRow(watcher, now)),
    ),
    ...(service === undefined ? firmwareLines(fleet.firmware ?? []) : []),
    ...problemLines(fleet),
  ]);
}

function firmwareLines(types: readonly TypeStatus[]): readonly string[] {
  return types.length === 0 ? [] : ['', 'Firmware:', ...typeLines(types)];
}

function headline({ inSync, services, watchers }: FleetStatus): string {
  const instances = services.reduce((sum, one) => sum + one.instances.length, 0);
  const counts = [
    count(watchers.length, 'watcher'),
    count(services.length, 'service'),
    count(instances, 'instance'),
  ];
  return `${inSync ? 'in sync' : 'not in sync'}: ${counts.join(', ')}`;
}

function serviceLines(
  { name, registered, inSync, instances }: FleetService,
  { limit, now }: { readonly limit: number; readonly now: number },
): string[] {
  const asked =
    limit === MOST_OF_ONE || instances.length <= FEW ? instances : instances.filter((one) => !one.inSync);
  const shown = asked.slice(0, limit);
  const hidden = instances.length - shown.length;
  const good = inSync - shown.filter((one) => one.inSync).length;
  return [
    `${name}: ${registered} registered, ${inSync} in sync`,
    ...(shown.length === 0
      ? []
      : table(
          ['INSTANCE', 'HEALTH', 'SINCE', 'PARAMETERS', 'NGINX', 'REASON'],
          shown.map((one) => instanceRow(one, now)),
        )),
    ...(hidden === 0 ? [] : [`  and ${thousands(hidden)} more, ${thousands(good)} of them in sync`]),
  ];
}

function instanceRow(
  { address, registered, health, since, parameters, places, reason }: FleetInstance,
  now: number,
): string[] {
  const written = Object.entries(parameters).map(([name, value]) => `${name}=${String(value)}`);
  return [
    address,
    registered ? health : `${health}, not registered`,
    since === undefined ? '' : ago(since, now),
    written.join(' '),
    placesText(places, now),
    reason ?? '',
  ];
}

/** `up`, or what each NGINX has it as where they differ. */
function placesText(places: readonly FleetPlace[], now: number): string {
  if (places.length === 0) return 'in none';
  const texts = places.map((place) => placeText(place, now));
  const [first = ''] = texts;
  if (texts.every((text) => text === first)) return first;
  return places.map(({ watcher, nginx }, i) => `${watcher}/${nginx} ${texts[i] ?? ''}`).join('; ');
}

function placeText({ state, active, until, reason }: FleetPlace, now: number): string {
  const notes = [
    ...(active === undefined ? [] : [`${active} open`]),
    ...(until === undefined
      ? []
      : [until > now ? `${formatDuration(seconds(until - now))} left` : 'time over']),
    ...(reason === undefined ? [] : [reason]),
  ];
  return notes.length === 0 ? state : `${state} (${notes.join(', ')})`;
}

function watcherRow({ id, published }: FleetWatcher, now: number): string[] {
  if (!published) return [id, 'unknown', 'unknown', '', ''];
  const nginx = published.nginx.map(
    ({ name, state, version, upstreams, more }) =>
      `${name} ${version ?? ''} ${state}, ${count(upstreams.length + more, 'upstream')}`,
  );
  return [id, published.version, published.ready ? 'yes' : 'no', ago(published.since, now), nginx.join('; ')];
}

function problemLines({ problems }: FleetStatus): string[] {
  if (problems.length === 0) return [];
  const more = problems.length - PROBLEMS;
  return [
    '',
    ...problems.slice(0, PROBLEMS).flatMap(({ what, todo }) => [`! ${what}`, `  ${todo}`]),
    ...(more > 0 ? [`and ${thousands(more)} more problems: see --json`] : []),
  ];
}

function ago(at: number, now: number): string {
  return at <= 0 ? '' : formatDuration(seconds(Math.max(0, now - at)));
}

/** Whole seconds of a time in ms; whole minutes of a long one. */
function seconds(ms: number): number {
  const unit = ms >= 3_600_000 ? 60_000 : 1_000;
  return Math.ceil(ms / unit) * unit;
}

function count(number: number, noun: string): string {
  return `${thousands(number)} ${noun}${number === 1 ? '' : 's'}`;
}

function thousands(number: number): string {
  return number.toLocaleString('en-US');
}
