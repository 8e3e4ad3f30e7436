import type { CountedBy } from '../../daemon/firmware/outcome-reader.js';
import type { MissingFile, SpreaderStatus } from '../../daemon/firmware/spreader.js';
import type { TypeStatus } from '../../firmware/type-status.js';
import type { WatchStatus } from '../watch.js';
import { progressLines, shadowLines } from './progress-text.js';
import { rolloutText } from './rollout-text.js';

/** The types and files that are named; of the others the number is. */
const NAMED = 50;

type Offered = NonNullable<WatchStatus['firmware']>;

/** What a watcher says of firmware, as lines. Text from etcd or NGINX in them is not escaped. */
export function offeringLines({ servers, types, nginx, brokers, outcomes = [] }: Offered): readonly string[] {
  const count = `${servers.length} firmware server${servers.length === 1 ? '' : 's'}`;
  const behind = nginx.filter(({ state }) => state !== 'in-sync');
  return [
    '',
    `Firmware: ${count} registered; ${nginx.length - behind.length} of ${nginx.length} NGINX in sync`,
    ...behind.map(
      ({ nginx: name, state, error }) => `  ! ${name}: ${STATES[state] ?? state}${because(error)}`,
    ),
    ...outcomes.flatMap(uncountedLine),
    ...(brokers === undefined ? [] : brokerLines(brokers)),
    ...typeLines(types),
  ];
}

function brokerLines(brokers: NonNullable<Offered['brokers']>): readonly string[] {
  const behind = brokers.filter(({ state }) => state !== 'in-sync');
  return [
    `  announced on ${brokers.length - behind.length} of ${brokers.length} brokers`,
    ...limited(
      behind.map(({ broker, state, error }) => [`  ! ${broker}: ${STATES[state] ?? state}${because(error)}`]),
    ).flat(),
  ];
}

/** What is wrong with an NGINX that should report the outcomes of firmware. */
function uncountedLine({ nginx, state, error }: CountedBy): readonly string[] {
  if (state === 'uncounted') return [`  ! ${nginx}: its configuration does not count outcomes`];
  if (state === 'unavailable')
    return [`  ! ${nginx}: does not report the outcomes of firmware${because(error)}`];
  return [];
}

/** How types stand, as lines: for whoever has worked out the status of each. */
export function typeLines(types: readonly TypeStatus[]): readonly string[] {
  return limited(types.map(oneType)).flat();
}

/** What the registrar beside a firmware server says of its files, as lines. */
export function filesLines(status: SpreaderStatus): readonly string[] {
  const { revision, notReady, held, missing, rejected = [] } = status;
  const upTo = revision === undefined ? '' : `; complete up to revision ${revision}`;
  return [
    '',
    `Firmware files: ${held} held, ${missing.length} missing${upTo}`,
    ...(notReady === undefined ? [] : [`  ! not registered: ${notReady}`]),
    ...limited(missing.map((file) => [missingLine(file)])).flat(),
    ...rejected.map(({ release, reason }) => `  ! ${release} is not fetched: ${reason}`),
  ];
}

const STATES: Readonly<Record<string, string>> = {
  pending: 'not told yet',
  unavailable: 'cannot be told',
  unserved: 'its configuration has no keyval zone for firmware',
};

function oneType(status: TypeStatus): readonly string[] {
  const { type, withheld, rejected = [], unreadable, progress, shadow, ...rollout } = status;
  const others = rejected.filter(({ version }) => !withheld.some((release) => release.version === version));
  const counted = [
    ...(progress === undefined ? [] : progressLines(progress)),
    ...(shadow === undefined ? [] : shadowLines(shadow)),
  ];
  return [
    `  ${type}: ${rolloutText(rollout)}`,
    ...counted.map((line) => `    ${line}`),
    ...withheld.map(({ version, reason }) => `    ! ${version} is not offered: ${reason}`),
    ...others.map(({ version, reason }) => `    ! ${version} is rejected: ${reason}`),
    ...unreadable.map(({ key, reason }) => `    ! cannot be read: ${key}: ${reason}`),
  ];
}

function missingLine({ sha256, size, releases, state, reason }: MissingFile): string {
  return `  ${releases.join(', ')} (${sha256.slice(0, 12)}…, ${size} bytes): ${state}${because(reason)}`;
}

function because(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`;
}

function limited(items: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const more = items.length - NAMED;
  return more > 0 ? [...items.slice(0, NAMED), [`  … and ${more} more`]] : items;
}
