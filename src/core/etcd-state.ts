import { EtcdError, type EtcdErrorCode, messageOf } from './errors.js';

/**
 * What etcd does for a daemon. `connected`: it answers and does what it is asked. `unavailable`: it cannot be reached, or
 * does not answer in time. `refused`: it answers and says no, so somebody has to change something.
 */
export type EtcdState = 'connected' | 'unavailable' | 'refused';

/** The state of etcd, as `/status` shows it. */
export interface EtcdCondition {
  readonly state: EtcdState;
  /** Why it is not `connected`, with what to do about it where that is known. */
  readonly error?: string;
}

export const CONNECTED: EtcdCondition = { state: 'connected' };

/** What to do about an error, by its code. */
const REMEDIES: Partial<Record<EtcdErrorCode, string>> = {
  NO_SPACE: 'compact and defragment etcd or raise its quota, then `etcdctl alarm disarm`',
  DENIED: 'grant the role of this user (etcd.username, or the name in etcd.cert) what it needs',
  AUTH_FAILED: 'put the right password into etcd.passwordFile, which is read again when it changes',
  TOKEN_REFUSED: 'etcd asks for a user: give etcd.username and etcd.passwordFile, or etcd.cert',
  TIMEOUT: 'a member is frozen, overloaded or has no quorum: see `etcdctl endpoint status --cluster`',
};

/** The condition that follows from an error of a call to etcd. */
export function conditionOf(error: unknown): EtcdCondition {
  const state = error instanceof EtcdError && error.refused ? 'refused' : 'unavailable';
  return { state, error: withRemedy(error) };
}

/** An error's message, with its remedy where one is known. */
export function withRemedy(error: unknown): string {
  const remedy = error instanceof EtcdError ? REMEDIES[error.code] : undefined;
  return remedy === undefined ? messageOf(error) : `${messageOf(error)}; ${remedy}`;
}
