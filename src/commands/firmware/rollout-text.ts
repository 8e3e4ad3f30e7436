import type { TypeStatus } from '../../firmware/type-status.js';

/** What devices are offered, in words. */
export function rolloutText({
  stable,
  candidate,
  paused,
}: Pick<TypeStatus, 'stable' | 'candidate' | 'paused'>): string {
  const parts = [stable === undefined ? 'no stable release' : `${stable} is stable`];
  if (candidate !== undefined) {
    const word = candidate.groups.length === 1 ? 'group' : 'groups';
    const groups = candidate.groups.length === 0 ? '' : ` and to the ${word} ${candidate.groups.join(', ')}`;
    const { rescue = [] } = candidate;
    const rescued = rescue.length === 0 ? '' : ` and to devices that run ${rescue.join(', ')}`;
    parts.push(`${candidate.version} is offered to ${candidate.percent} %${groups}${rescued}`);
  }
  if (paused !== undefined) {
    const why = paused.reason === undefined ? '' : `: ${paused.reason}`;
    parts.push(`paused at ${paused.at} by ${paused.by}${why}`);
  }
  return parts.join('; ');
}
