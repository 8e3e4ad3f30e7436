import type { Address } from '../../../../src/core/address.js';
import type { KeyValue } from '../../../../src/core/ports.js';

/** A registry of entries, and what changed since last asked. */
export function views() {
  const entries = new Map<string, KeyValue>();
  let changed = new Set<string>();
  let revision = 0;
  return {
    put(key: string, value = '{}') {
      entries.set(key, { key, value, revision: ++revision });
      changed.add(key);
      return revision;
    },
    del(key: string) {
      entries.delete(key);
      changed.add(key);
    },
    next() {
      const view = { entries: new Map(entries), changed };
      changed = new Set();
      return view;
    },
  };
}

/** A key. */
export const A = '/services/firmware/10.0.0.1:80';
/** Its address. */
export const ADDRESS = '10.0.0.1:80' as Address;
