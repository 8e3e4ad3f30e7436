import { ok, type Result } from '../../core/result.js';
import { parseDeviceId } from '../../firmware/group.js';
import { parseGroup, parseRegion, parseReleaseId, parseType } from '../../firmware/names.js';
import { MAX_RATE, parsePercent, parseSalt } from '../../firmware/rollout.js';
import { normal, parse } from '../../firmware/shared/version.js';
import { CLIENT_ID_FORM, readClientId, SIGNATURE_LENGTHS } from '../../firmware/type-record.js';
import { type Format, refuse, textFormat } from '../engine/formats.js';

/** The value that a parser reads; undefined where it refuses the text. */
function read<T>(parser: (text: string) => Result<T>): (text: string) => T | undefined {
  return (text) => {
    const result = parser(text);
    return result.ok ? result.value : undefined;
  };
}

export const percent: Format<number> = {
  name: 'percent',
  allowed: 'a percentage from 0 to 100 with at most two decimals, such as 12.5',
  placeholder: '<percent>',
  coerce: (text) => (/^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? Number(text.replace('%', '')) : text),
  read(value) {
    const result = parsePercent(value);
    return result.ok ? ok(result.value) : refuse(percent.allowed, value);
  },
};

export const version = textFormat('version', 'a version such as 1.3.0 or 7', (text) => {
  const version = parse(text);
  return version && read(parseReleaseId)(normal(version));
});

export const time = textFormat(
  'time',
  'a time in ISO 8601 with its zone, such as 2026-12-01T08:00:00Z',
  (text) => {
    const isTime =
      /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(text) &&
      !Number.isNaN(Date.parse(text));
    return isTime ? new Date(text).toISOString() : undefined;
  },
);

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
    return isRate ? ok(bytes) : refuse(rate.allowed, value);
  },
};

export const group = textFormat(
  'group',
  'letters, digits, ".", "_" or "-" (at most 64)',
  read(parseGroup),
  '<group>',
);

export const deviceId = textFormat(
  'device',
  'the id of a device: a MAC address in any notation, or a name of at most 64 characters',
  read(parseDeviceId),
  '<id>',
);

export const type = textFormat(
  'type',
  'letters, digits, ".", "_" or "-" (at most 64), and may end in a region such as @eu',
  read(parseType),
  '<type>',
);

export const region = textFormat(
  'region',
  'lower-case letters, digits or "-" (at most 32)',
  read(parseRegion),
  '<region>',
);

export const salt = textFormat(
  'salt',
  'a letter or digit, then printable ASCII without spaces (at most 64)',
  read(parseSalt),
  '<salt>',
);

export const signatureLength: Format<number> = {
  name: 'bytes of a signature',
  allowed: `one of ${SIGNATURE_LENGTHS.join(', ')}`,
  placeholder: '<bytes>',
  coerce: (text) => (/^\d{3}$/.test(text) ? Number(text) : text),
  read: (value) =>
    typeof value === 'number' && SIGNATURE_LENGTHS.includes(value)
      ? ok(value)
      : refuse(signatureLength.allowed, value),
};

export const clientId = textFormat('ClientId', CLIENT_ID_FORM, read(readClientId), '<pattern>');

/** How long a signature may count. */
export const days = textFormat('days', 'a number of days from 1d to 3650d, such as 90d', (text) => {
  const count = /^\d{1,4}d$/.test(text) ? Number(text.slice(0, -1)) : 0;
  return count >= 1 && count <= 3650 ? count : undefined;
});
