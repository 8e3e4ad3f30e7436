import type { KeyvalApi } from '../../core/ports.js';
import type { Offering } from '../../firmware/offering.js';
import { offeringSteps } from '../../firmware/offering-steps.js';
import { revisionOf, ZONE } from '../../firmware/shared/catalogue.js';

/** How the writing of an offering to one NGINX ended. */
export interface Written {
  /** How many keys were set or removed; 0 where NGINX had all of it. */
  readonly written: number;
  /** Whether NGINX has all of it now: false if there was a newer offering before it had. */
  readonly isComplete: boolean;
}

interface WriteOptions {
  /** Reads etcd's revision. It is called only if NGINX has a higher one than the offering, after that was read. */
  readonly currentRevision: (signal: AbortSignal) => Promise<number>;
  /** Whether there is a newer offering to write. */
  readonly isOutdated: () => boolean;
}

/**
 * How many keys of an offering are written at least before a newer one takes its place. They stay written, so NGINX gets
 * ahead by so many keys with each offering, however often new ones come.
 */
export const MIN_WRITTEN = 20;

/**
 * Makes the keyval zone of one NGINX what the offering says, see `offeringSteps`. Ends early if there is a newer
 * offering. Resolves to `no-zone` where NGINX has no zone for firmware: its configuration serves none. Rejects with
 * NginxError, and as `currentRevision` does.
 */
export async function writeOffering(
  api: KeyvalApi,
  offering: Offering,
  { currentRevision, isOutdated }: WriteOptions,
  signal: AbortSignal,
): Promise<Written | 'no-zone'> {
  const found = await api.keyvals(ZONE, signal);
  if (found === undefined) return 'no-zone';
  const highest = Math.max(...[...found.values()].map(revisionOf));
  const etcdRevision = highest > offering.revision ? await currentRevision(signal) : offering.revision;
  let written = 0;
  for (const { key, value } of offeringSteps(found, offering, etcdRevision)) {
    if (written >= MIN_WRITTEN && isOutdated()) return { written, isComplete: false };
    if (value === undefined) await api.removeKeyval(ZONE, key, signal);
    else await api.setKeyval(ZONE, key, value, signal);
    written++;
  }
  return { written, isComplete: true };
}
