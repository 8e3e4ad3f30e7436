import { defined } from '../core/defined.js';
import type { Result } from '../core/result.js';
import { oneOf, prose, readRecord, time } from './fields.js';
import { parseReleaseId, type ReleaseId } from './names.js';
import type { Author } from './rollout.js';

/** What can be done to a type, by the names of the commands; `halt` and `phase` are what watchers do. */
export type LoggedAction =
  | 'publish'
  | 'rollout'
  | 'pause'
  | 'resume'
  | 'promote'
  | 'rollback'
  | 'prune'
  | 'group'
  | 'halt'
  | 'phase';

export const LOGGED_ACTIONS: readonly LoggedAction[] = [
  'publish',
  'rollout',
  'pause',
  'resume',
  'promote',
  'rollback',
  'prune',
  'group',
  'halt',
  'phase',
];

/** One change to a type; it stays when etcd's own history is compacted. */
export interface LogEntry extends Author {
  readonly action: LoggedAction;
  readonly version?: ReleaseId;
  /** What the change was, in words. */
  readonly text: string;
}

export function encodeLogEntry(entry: LogEntry): string {
  return JSON.stringify(entry);
}

/** Reads an entry, which is untrusted. Never throws. */
export function decodeLogEntry(text: string): Result<LogEntry> {
  return readRecord(
    text,
    (fields): LogEntry =>
      defined({
        by: fields.required('by', prose(200)),
        at: fields.required('at', time),
        action: fields.required('action', oneOf(LOGGED_ACTIONS)),
        version: fields.optional('version', parseReleaseId),
        text: fields.required('text', prose(1000)),
      }),
  );
}
