/** What a client of etcd does while etcd is overloaded: it asks again, and waits longer each time. */
import { setTimeout as delay } from 'node:timers/promises';
import { backoff } from '../../../src/async/backoff.js';
import { messageOf } from '../../../src/core/errors.js';

/**
 * What etcd answers while it has more changes waiting than it takes, and when one has waited for too long
 * (`server/etcdserver/errors/errors.go`).
 */
const OVERLOADED = /too many requests|request timed out/;
/** A revocation that timed out may have been made. */
const REVOKED = /requested lease not found/;
/** As sidekick waits when etcd refuses what its lease needs, ms. */
const WAITS = { min: 100, max: 2_000 };

/** Makes a change again until etcd takes it. Any other failure is thrown. */
export async function insist<T>(change: () => Promise<T>, onRefusal: () => void = () => {}): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await change();
    } catch (error) {
      if (!OVERLOADED.test(messageOf(error))) throw error;
      onRefusal();
      await delay(backoff(failures, WAITS));
    }
  }
}

/** Revokes a lease, unless it is gone already. */
export async function insistOnRevocation(
  revoke: () => Promise<unknown>,
  onRefusal: () => void,
): Promise<void> {
  await insist(
    () =>
      revoke().catch((error: unknown) => {
        if (!REVOKED.test(messageOf(error))) throw error;
      }),
    onRefusal,
  );
}
