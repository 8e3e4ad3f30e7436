import { describe, err, ok, type Result } from '../core/result.js';
import { listOf, readRecord } from './fields.js';
import { MAX_ID, normalize } from './shared/device-id.js';

/** Most devices of a group. */
export const MAX_GROUP = 2000;

/** Device ids in their normal spelling. */
export type Group = readonly string[];

/** Ids are up to 64 characters; each has two quotes and a comma. */
const BOUNDS = { length: MAX_GROUP * (MAX_ID + 3) + 64, depth: 3, items: MAX_GROUP + 8 };

export function encodeGroup(ids: Group): string {
  return JSON.stringify({ ids });
}

/** Reads a group of devices, which is untrusted: ids in any spelling, given back in the normal one. Never throws. */
export function decodeGroup(text: string): Result<Group> {
  const record = readRecord(
    text,
    (fields) => ({ ids: fields.required('ids', listOf(parseDeviceId, MAX_GROUP)) }),
    BOUNDS,
  );
  return record.ok ? ok(record.value.ids) : record;
}

/** Reads a device's id: a MAC address in any notation, or another name. */
export function parseDeviceId(value: unknown): Result<string> {
  const id = typeof value === 'string' ? normalize(value) : undefined;
  if (id !== undefined) return ok(id);
  return err(`device id must be a MAC address or a name of at most 64 characters, got ${describe(value)}`);
}
