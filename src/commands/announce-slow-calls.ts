import type { RegistryClient } from '../core/ports.js';

/** How long a call may take before the user is told what is waited for, in ms. */
const SLOW = 1000;

/** The same client of etcd, which calls `announce` once for each call that takes longer than a second. */
export function announceSlowCalls(store: RegistryClient, announce: () => void): RegistryClient {
  async function announced<T>(call: () => Promise<T>): Promise<T> {
    const timer = setTimeout(announce, SLOW);
    try {
      return await call();
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    list: (...args) => announced(() => store.list(...args)),
    read: (...args) => announced(() => store.read(...args)),
    currentRevision: (...args) => announced(() => store.currentRevision(...args)),
    put: (...args) => announced(() => store.put(...args)),
    remove: (...args) => announced(() => store.remove(...args)),
    commit: (...args) => announced(() => store.commit(...args)),
    grant: (...args) => announced(() => store.grant(...args)),
    keepAlive: (...args) => announced(() => store.keepAlive(...args)),
    revoke: (...args) => announced(() => store.revoke(...args)),
    leaseExists: (...args) => announced(() => store.leaseExists(...args)),
  };
}
