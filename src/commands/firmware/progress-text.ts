import type { Unmet } from '../../firmware/gate.js';
import type { NextPhase, Progress, ProvenFigures, ShadowProgress } from '../../firmware/progress.js';

/** What became of a candidate, as lines without an indent. */
export function progressLines({ version, all, phases, next, limit, sample }: Progress): readonly string[] {
  const sampled = sample === 1 ? '' : ` (of one device in ${sample})`;
  return [
    `${version}${sampled}: ${figuresText(all)}`,
    ...phases.map(
      ({ percent, at, resumed, ...figures }) =>
        `  ${percent} % ${resumed === true ? 'again ' : ''}from ${at}: ${figuresText(figures)}`,
    ),
    ...(next === undefined ? [] : [`  ${nextText(next)}`]),
    ...(limit === undefined
      ? []
      : [
          `  halts beyond ${limit.maxFailures} % failures of at least ${limit.min}: ${limit.failures} of ${limit.outcomes} so far`,
        ]),
  ];
}

/** Whom a release would reach, as lines without an indent. */
export function shadowLines({ version, percent, devices, running }: ShadowProgress): readonly string[] {
  const from = running.map((one) => `${one.devices} from ${one.version}`).join(', ');
  return [`${version} in shadow at ${percent} %: ${devices} devices${from === '' ? '' : `, ${from}`}`];
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
  if (begins === 'operator') return `next ${percent} %: when an operator says --next`;
  if (begins === 'paused') return `next ${percent} %: not while it is paused`;
  return unmet.length === 0
    ? `next ${percent} %: now`
    : `next ${percent} %: waits for ${unmet.map(unmetText).join(' and ')}`;
}

function unmetText(unmet: Unmet): string {
  return unmet.kind === 'time' ? unmet.until : `${unmet.booted} of ${unmet.after} booted`;
}
