import type { Rollout } from '../../firmware/rollout.js';

/** What devices are offered, in words. */
export function rolloutText({ stable, candidate, paused }: Partial<Rollout>): string {
  const parts = [stable === undefined ? 'no stable release' : `${stable} is stable`];
  if (candidate !== undefined) {
    const groups = candidate.groups.length === 0 ? '' : ` and to ${candidate.groups.join(', ')}`;
    parts.push(`${candidate.version} is offered to ${candidate.percent} %${groups}`);
  }
  if (paused !== undefined) {
    const why = paused.reason === undefined ? '' : `: ${paused.reason}`;
    parts.push(`paused at ${paused.at} by ${paused.by}${why}`);
  }
  return parts.join('; ');
}
