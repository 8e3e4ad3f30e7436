import { err, ok, type Result } from '../../core/result.js';
import { parseDeviceId } from '../../firmware/group.js';
import { parseGroup, parseRegion, parseReleaseId, parseType, type ReleaseId } from '../../firmware/names.js';
import { MAX_RATE, parsePercent, parseSalt } from '../../firmware/rollout.js';
import { normal, parse } from '../../firmware/shared/version.js';
import { CLIENT_ID_FORM, readClientId, SIGNATURE_LENGTHS } from '../../firmware/type-record.js';
import type { Format } from '../engine/formats.js';

const asText = (text: string): unknown => text;

export const percent: Format<number> = {
  name: 'percent',
  allowed: 'a percentage from 0 to 100 with at most two decimals, such as 12.5',
  placeholder: '<percent>',
  coerce: (text) => (/^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? Number(text.replace('%', '')) : text),
  read: (value) => explained(percent, parsePercent(value)),
};

export const version: Format<ReleaseId> = {
  name: 'version',
  allowed: 'a version such as 1.3.0 or 7',
  placeholder: '<version>',
  coerce: asText,
  read(value) {
    const parsed = typeof value === 'string' ? parse(value) : undefined;
    return explained(version, parseReleaseId(parsed && normal(parsed)));
  },
};

export const time: Format<string> = {
  name: 'time',
  allowed: 'a time in ISO 8601 with its zone, such as 2026-12-01T08:00:00Z',
  placeholder: '<time>',
  coerce: asText,
  read(value) {
    const isTime =
      typeof value === 'string' &&
      /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(value) &&
      !Number.isNaN(Date.parse(value));
    return isTime ? ok(new Date(value).toISOString()) : err(`must be ${time.allowed}`);
  },
};

const RATE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KB: 1_000,
  KiB: 1_024,
  MB: 1_000_000,
  MiB: 1_048_576,
};

export const rate: Format<number> = {
  name: 'rate',
  allowed: `a number of bytes per second, up to ${MAX_RATE}, such as 200KB or 1MiB`,
  placeholder: '<rate>',
  coerce(text) {
    const found = /^(\d{1,10})(KB|KiB|MB|MiB|)$/.exec(text);
    return found === null ? text : Number(found[1]) * (RATE_UNITS[found[2] ?? ''] ?? 1);
  },
  read(value) {
    // A file holds it with its unit as well.
    const bytes = typeof value === 'string' ? rate.coerce(value) : value;
    const isRate = typeof bytes === 'number' && Number.isInteger(bytes) && bytes >= 1 && bytes <= MAX_RATE;
    return isRate ? ok(bytes) : err(`must be ${rate.allowed}`);
  },
};

export const group: Format<string> = {
  name: 'group',
  allowed: 'the name of a group of devices',
  placeholder: '<group>',
  coerce: asText,
  read: (value) => explained(group, parseGroup(value)),
};

export const deviceId: Format<string> = {
  name: 'device',
  allowed: 'the id of a device: a MAC address in any notation, or a name of at most 64 characters',
  placeholder: '<id>',
  coerce: asText,
  read: (value) => explained(deviceId, parseDeviceId(value)),
};

export const type: Format<string> = {
  name: 'type',
  allowed: 'letters, digits, ".", "_" or "-" (at most 64), and may end in a region such as @eu',
  placeholder: '<type>',
  coerce: asText,
  read: (value) => explained(type, parseType(value)),
};

export const region: Format<string> = {
  name: 'region',
  allowed: 'lower-case letters, digits or "-" (at most 32)',
  placeholder: '<region>',
  coerce: asText,
  read: (value) => explained(region, parseRegion(value)),
};

export const salt: Format<string> = {
  name: 'salt',
  allowed: 'a letter or digit, then printable ASCII without spaces (at most 64)',
  placeholder: '<salt>',
  coerce: asText,
  read: (value) => explained(salt, parseSalt(value)),
};

export const signatureLength: Format<number> = {
  name: 'bytes of a signature',
  allowed: `one of ${SIGNATURE_LENGTHS.join(', ')}`,
  placeholder: '<bytes>',
  coerce: (text) => (/^\d{3}$/.test(text) ? Number(text) : text),
  read: (value) =>
    typeof value === 'number' && SIGNATURE_LENGTHS.includes(value)
      ? ok(value)
      : err(`must be ${signatureLength.allowed}`),
};

export const clientId: Format<string> = {
  name: 'ClientId',
  allowed: CLIENT_ID_FORM,
  placeholder: '<pattern>',
  coerce: asText,
  read: (value) => explained(clientId, readClientId(value)),
};

function explained<T>({ allowed }: Format<T>, result: Result<T>): Result<T> {
  return result.ok ? ok(result.value) : err(`must be ${allowed}`);
}

/** How long a signature may count. */
export const days: Format<number> = {
  name: 'days',
  allowed: 'a number of days from 1d to 3650d, such as 90d',
  placeholder: '<days>',
  coerce: asText,
  read(value) {
    const count = typeof value === 'string' && /^\d{1,4}d$/.test(value) ? Number(value.slice(0, -1)) : 0;
    return count >= 1 && count <= 3650 ? ok(count) : err(`must be ${days.allowed}`);
  },
};
