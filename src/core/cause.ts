import { describeMaintenance, type Maintenance } from './maintenance.js';
import { oneLine } from './printable.js';

/**
 * Why a server of an upstream is changed. Revisions are etcd's, of the write or deletion that is the cause.
 *
 * A deletion in etcd does not say who made it: etcd deletes the keys of a lease that ends as any client would, and has no
 * event of its own for it (`Event.EventType` in mvccpb is PUT or DELETE). What can be known is whether the key asked to
 * drain before, whether it had a lease, and whether that lease still exists.
 */
export type Cause =
  /** The registration was written. */
  | { readonly kind: 'registered'; readonly revision: number }
  /** The registration asks to drain: its registrar stops, or its service is no longer configured. */
  | { readonly kind: 'drain-requested'; readonly revision: number }
  /** `sidekick drain`. */
  | { readonly kind: 'operator-drain'; readonly revision: number; readonly said: Maintenance }
  /** `sidekick undrain`; etcd does not say by whom. */
  | { readonly kind: 'operator-undrain'; readonly revision: number }
  /** `sidekick unhold`; etcd does not say by whom. */
  | { readonly kind: 'operator-unhold' }
  /** The key is gone after it asked to drain. */
  | { readonly kind: 'deregistered' }
  /** The key is gone, but its lease is not, or it never had one: its owner or somebody else deleted it. */
  | { readonly kind: 'key-deleted' }
  /** The key is gone with its lease, which expired or was revoked: etcd does not say which. */
  | { readonly kind: 'lease-ended' }
  /** The key is gone, and it is not known whether its lease is. */
  | { readonly kind: 'key-gone' }
  /** It is not registered, and the watcher has not seen it go. */
  | { readonly kind: 'not-registered' }
  /** The watcher's own probe. */
  | { readonly kind: 'probe-failed'; readonly error?: string }
  | { readonly kind: 'probe-passed' }
  /** It vanished, and the guard or its grace keeps it for now. */
  | { readonly kind: 'guard' }
  | { readonly kind: 'guard-hold-over' }
  /** NGINX has the address more than once. */
  | { readonly kind: 'duplicate' }
  /** NGINX was in sync, and etcd has not changed since: it was reloaded or restarted, or somebody else changed it. */
  | { readonly kind: 'nginx-changed' };

type CauseKind = Cause['kind'];

/** What the fields of an event say of a cause. */
interface CauseFields {
  readonly cause: CauseKind;
  /** The cause in words. */
  readonly because: string;
}

const WORDS: Readonly<Record<CauseKind, string>> = {
  registered: 'its registration was written',
  'drain-requested': 'its registration asks to drain',
  'operator-drain': 'an operator drains it',
  'operator-undrain': 'an operator ended its drain',
  'operator-unhold': 'an operator ended the hold of the guard',
  deregistered: 'its key is gone after it asked to drain',
  'key-deleted': 'its key was deleted',
  'lease-ended': 'its lease expired or was revoked',
  'key-gone': 'its key was deleted or its lease ended',
  'not-registered': 'it is not registered, and the watcher has not seen it go',
  'probe-failed': 'the probe of the watcher failed',
  'probe-passed': 'the probe of the watcher succeeds again',
  guard: 'the guard keeps it, as too many vanished at once',
  'guard-hold-over': 'the hold of the guard is over',
  duplicate: 'NGINX has it more than once',
  'nginx-changed': 'NGINX was reloaded or restarted, or somebody else changed it',
};

/** A cause in words, on one line, fit to follow "because". */
export function causeText(cause: Cause): string {
  const words = WORDS[cause.kind];
  if (cause.kind === 'operator-drain') return `${words} ${describeMaintenance(cause.said)}`.trim();
  if (cause.kind === 'probe-failed' && cause.error !== undefined) return `${words}: ${oneLine(cause.error)}`;
  return words;
}

export function causeFields(cause: Cause): CauseFields {
  return { cause: cause.kind, because: causeText(cause) };
}

/** Of a cause that etcd brought, the revision at which it did. */
export function revisionOf(cause: Cause): number | undefined {
  return 'revision' in cause ? cause.revision : undefined;
}
