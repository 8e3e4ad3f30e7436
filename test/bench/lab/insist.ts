/** What a client of etcd does while etcd is overloaded: it asks again, and waits longer each time. */
import { setTimeout as delay } from 'node:timers/promises';
import { backoff } from '../../../src/async/backoff.js';
import { messageOf } from '../../../src/core/errors.js';

/**
 * What etcd answers while it has more changes waiting than it takes, and when one has waited for too long
 * (`server/etcdserver/errors/errors.go`); and what gRPC says of a call whose time is over, and of one whose connection etcd3
 * has closed, as it does for all calls over it when one has failed.
 */
const OVERLOADED = /too many requests|request timed out|UNAVAILABLE|DEADLINE_EXCEEDED/;
/** Of a lease that has expired or was revoked. */
const GONE = /requested lease not found/;
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

/** Makes a change that is about a lease. Resolves with whether it was made: false where the lease is gone. */
export async function unlessLeaseIsGone(change: () => Promise<unknown>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (error) {
    if (!GONE.test(messageOf(error))) throw error;
    return false;
  }
}
