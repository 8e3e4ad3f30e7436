import type { IKeyValue } from 'etcd3';
import type { Entry } from '../../core/ports.js';

/** etcd's key-value pair as an Entry. A lease of 0 is none. */
export function toEntry({ key, value, mod_revision, lease }: IKeyValue): Entry {
  return {
    key: key.toString('utf8'),
    value: value.toString('utf8'),
    revision: Number(mod_revision),
    ...(lease === '0' ? {} : { lease }),
  };
}

/** Whether two entries are the same write of the same key. */
export function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  return a?.revision === b?.revision && a?.value === b?.value && a?.lease === b?.lease;
}
