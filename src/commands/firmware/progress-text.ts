import { limitText, type Unmet } from '../../firmware/gate.js';
import type { NextPhase, Progress, ProvenFigures, ShadowProgress } from '../../firmware/progress.js';

/** What became of a candidate, as lines without an indent. */
export function progressLines({ version, all, phases, next, limit, sample }: Progress): readonly string[] {
  const sampled = sample === 1 ? '' : ` (one device in ${sample} is counted)`;
  return [
    `${version}${sampled}: ${figuresText(all)}`,
    ...phases.map(
      ({ percent, at, resumed, ...figures }) =>
        `  ${percent} % ${resumed === true ? 'resumed' : 'begun'} at ${at}: ${figuresText(figures)}`,
    ),
    ...(next === undefined ? [] : [`  ${nextText(next)}`]),
    ...(limit === undefined ? [] : [`  ${limitText(limit)}: ${limit.failures} of ${limit.outcomes} so far`]),
  ];
}

/** Whom a release would reach, as lines without an indent. */
export function shadowLines({ version, percent, devices, running }: ShadowProgress): readonly string[] {
  const now = running
    .map((one) => `${one.devices} run ${one.version === 'other' ? 'another' : one.version}`)
    .join(', ');
  const reached = `would reach ${devices} device${devices === 1 ? '' : 's'}`;
  return [`${version} in shadow at ${percent} %: ${reached}${now === '' ? '' : ` (${now})`}`];
}

function figuresText({ proof, ...figures }: ProvenFigures): string {
  const { offered, downloaded, booted, returned, failed, lost, unknown, inFlight } = figures;
  const alone = returned === 0 ? '' : ` (${returned} by their ClientId alone)`;
  const counts =
    `${offered} offered, ${downloaded} downloaded, ${booted} booted${alone}, ${failed} failed, ${lost} lost, ` +
    `${unknown} unknown, ${inFlight} in flight`;
  return proof === undefined ? counts : `${counts}; ${proof}`;
}

function nextText({ percent, begins, unmet }: NextPhase): string {
  if (begins === 'operator') return `next ${percent} %: begins with rollout --next`;
  if (begins === 'paused') return `next ${percent} %: not before it is resumed`;
  return unmet.length === 0
    ? `next ${percent} %: begins now`
    : `next ${percent} %: waits ${unmet.map(unmetText).join(' and ')}`;
}

function unmetText(unmet: Unmet): string {
  return unmet.kind === 'time'
    ? `until ${unmet.until}`
    : `until ${unmet.after} devices have booted (${unmet.booted} so far)`;
}
