import type { IKeyValue } from 'etcd3';
import { type KeyValue, MAX_VALUE_BYTES } from '../../core/ports.js';

/** etcd's key-value pair as a KeyValue with the whole value. A lease of 0 is none. */
export function toWholeEntry({ key, value, create_revision, mod_revision, lease }: IKeyValue): KeyValue {
  return {
    key: key.toString('utf8'),
    value: value.toString('utf8'),
    revision: Number(mod_revision),
    created: Number(create_revision),
    ...(lease === '0' ? {} : { lease }),
  };
}

/** The same, without a value that is too long to be kept: anybody may have written it. */
export function toEntry(kv: IKeyValue): KeyValue {
  const { length } = kv.value;
  return length > MAX_VALUE_BYTES ? withoutValue(kv, length) : toWholeEntry(kv);
}

/** The same, of a pair whose value is too long to be kept or even to be sent. */
export function withoutValue(kv: IKeyValue, length: number): KeyValue {
  return { ...toWholeEntry({ ...kv, value: Buffer.alloc(0) }), oversized: length };
}

/** Whether two entries are the same write of the same key. */
export function sameEntry(a: KeyValue | undefined, b: KeyValue | undefined): boolean {
  return (
    a?.revision === b?.revision &&
    a?.value === b?.value &&
    a?.oversized === b?.oversized &&
    a?.lease === b?.lease
  );
}
