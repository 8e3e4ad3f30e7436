/** Why a file, a release or a change is refused: what is wrong, and what to do about it. */
export interface Refusal {
  /** For programs; it stays the same when the words change. */
  readonly code: RefusalCode;
  readonly reason: string;
  readonly remedy: string;
  /** Whether an operator who knows better may overrule it with `--force`. */
  readonly forceable: boolean;
}

type RefusalCode = FileRefusal | PublishRefusal | RolloutRefusal | 'unreadable';

/** What is wrong with a file by itself. */
type FileRefusal =
  | 'not-firmware'
  | 'compressed'
  | 'merged-image'
  | 'boot-loader'
  | 'truncated'
  | 'damaged'
  | 'unknown-chip'
  | 'secure-boot-mismatch';

/** What is wrong with a file as this release of this type. */
type PublishRefusal =
  | 'type-name'
  | 'type-changed'
  | 'version-form'
  | 'version-esp32fota'
  | 'version-differs'
  | 'version-exists'
  | 'version-backwards'
  | 'already-published'
  | 'same-image'
  | 'wrong-chip'
  | 'project-changed'
  | 'secure-version'
  | 'signature-length'
  | 'signature-missing'
  | 'signature-unwanted'
  | 'too-large'
  | 'from'
  | 'too-many-stones'
  | 'chain-broken';

/** What is wrong with a change to a rollout. */
type RolloutRefusal =
  | 'no-release'
  | 'no-group'
  | 'group-in-use'
  | 'too-many-devices'
  | 'no-candidate'
  | 'no-previous'
  | 'nobody'
  | 'percent'
  | 'phases'
  | 'no-phase'
  | 'gate'
  | 'limit'
  | 'rescue'
  | 'salt'
  | 'salt-fixed'
  | 'is-stable'
  | 'paused'
  | 'not-paused'
  | 'would-downgrade'
  | 'chain-broken'
  | 'keep';

/** A value, or why there is none. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

export function passed<T>(value: T): Checked<T> {
  return { ok: true, value };
}

export function refused(code: RefusalCode, reason: string, remedy: string): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { code, reason, remedy, forceable: false } };
}

/** As `refused`, for what an operator may overrule with `--force`. */
export function refusedUnlessForced(
  code: RefusalCode,
  reason: string,
  remedy: string,
): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: { code, reason, remedy: `${remedy}, or --force`, forceable: true } };
}
