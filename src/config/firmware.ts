import { defined } from '../core/defined.js';
import { err, ok, type Result } from '../core/result.js';
import type { Tls } from '../core/tls.js';
import { DEFAULT_FIRMWARE_SERVICE, DEFAULT_PARALLEL, DEFAULT_RESERVE } from '../daemon/firmware/options.js';
import { parseDeviceId } from '../firmware/group.js';
import { parseGroup, parseRegion, parseReleaseId, parseType, type ReleaseId } from '../firmware/names.js';
import { MAX_RATE, parsePercent, parseSalt } from '../firmware/rollout.js';
import { normal, parse } from '../firmware/shared/version.js';
import {
  ANSWER_FORMS,
  CLIENT_ID_FORM,
  MAX_IMAGE,
  readClientId,
  SIGNATURE_LENGTHS,
} from '../firmware/type-record.js';
import { service } from './engine/core-formats.js';
import { duration, type Format, file, integer, listOf, oneOf, string, url } from './engine/formats.js';
import { option, optional, switchOption, type Values } from './engine/schema.js';
import type { FileReader } from './engine/secret-files.js';
import { etcdOptions } from './etcd.js';
import { tlsOptions, tlsSettings } from './tls.js';

const asText = (text: string): unknown => text;

const percent: Format<number> = {
  name: 'percent',
  allowed: 'a percentage from 0 to 100 with at most two decimals, such as 12.5',
  placeholder: '<percent>',
  coerce: (text) => (/^\d{1,3}(\.\d{1,2})?%?$/.test(text) ? Number(text.replace('%', '')) : text),
  read: (value) => explained(percent, parsePercent(value)),
};

const version: Format<ReleaseId> = {
  name: 'version',
  allowed: 'a version such as 1.3.0 or 7',
  placeholder: '<version>',
  coerce: asText,
  read(value) {
    const parsed = typeof value === 'string' ? parse(value) : undefined;
    return explained(version, parseReleaseId(parsed && normal(parsed)));
  },
};

const time: Format<string> = {
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

const rate: Format<number> = {
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

const group: Format<string> = {
  name: 'group',
  allowed: 'the name of a group of devices',
  placeholder: '<group>',
  coerce: asText,
  read: (value) => explained(group, parseGroup(value)),
};

const deviceId: Format<string> = {
  name: 'device',
  allowed: 'the id of a device: a MAC address in any notation, or a name of at most 64 characters',
  placeholder: '<id>',
  coerce: asText,
  read: (value) => explained(deviceId, parseDeviceId(value)),
};

const type: Format<string> = {
  name: 'type',
  allowed: 'letters, digits, ".", "_" or "-" (at most 64), and may end in a region such as @eu',
  placeholder: '<type>',
  coerce: asText,
  read: (value) => explained(type, parseType(value)),
};

const region: Format<string> = {
  name: 'region',
  allowed: 'lower-case letters, digits or "-" (at most 32)',
  placeholder: '<region>',
  coerce: asText,
  read: (value) => explained(region, parseRegion(value)),
};

const salt: Format<string> = {
  name: 'salt',
  allowed: 'a letter or digit, then printable ASCII without spaces (at most 64)',
  placeholder: '<salt>',
  coerce: asText,
  read: (value) => explained(salt, parseSalt(value)),
};

const signatureLength: Format<number> = {
  name: 'bytes of a signature',
  allowed: `one of ${SIGNATURE_LENGTHS.join(', ')}`,
  placeholder: '<bytes>',
  coerce: (text) => (/^\d{3}$/.test(text) ? Number(text) : text),
  read: (value) =>
    typeof value === 'number' && SIGNATURE_LENGTHS.includes(value)
      ? ok(value)
      : err(`must be ${signatureLength.allowed}`),
};

const clientId: Format<string> = {
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
const days: Format<number> = {
  name: 'days',
  allowed: 'a number of days from 1d to 3650d, such as 90d',
  placeholder: '<days>',
  coerce: asText,
  read(value) {
    const count = typeof value === 'string' && /^\d{1,4}d$/.test(value) ? Number(value.slice(0, -1)) : 0;
    return count >= 1 && count <= 3650 ? ok(count) : err(`must be ${days.allowed}`);
  },
};

const releaseKeysOption = (what: string) =>
  optional(
    listOf(file),
    `Files with public keys (Ed25519, PEM). Only releases that one of them has signed are ${what}: see publish --sign-release.`,
  );

const firmwareService = option(
  service,
  DEFAULT_FIRMWARE_SERVICE,
  'Service under which the firmware servers register.',
);

/** How `sidekick register` keeps the files of a firmware server on its host. */
export const firmwareHostOptions = {
  directory: optional(
    file,
    'Directory of the firmware files that the server on this host serves as /blobs/. Missing files are fetched from the ' +
      'other firmware servers, and the server is registered only while it has every file that may be offered.',
  ),
  service: firmwareService,
  region: optional(
    region,
    'Region of this host, such as eu: the server then holds no releases of other regions (lamp-v2@us), and is also registered ' +
      'as a server of its region, under the service firmware-eu.',
  ),
  parallel: option(integer(1, 64), DEFAULT_PARALLEL, 'Maximum number of files fetched at a time.'),
  slots: optional(
    integer(1, 100_000),
    'Downloads at a time that the server on this host can carry; default 100. Where all servers together carry no more, ' +
      'devices are told that there is nothing new, and ask again later.',
  ),
  bandwidth: optional(
    integer(1024, 1_000_000_000_000),
    'Maximum number of bytes a second of all fetches together; default unlimited.',
  ),
  reserve: option(
    integer(0, 1_000_000_000_000),
    DEFAULT_RESERVE,
    'Bytes of the disk that fetches leave free.',
  ),
  releaseKeys: releaseKeysOption('fetched'),
};

/** How `sidekick watch` offers firmware to devices. */
export const firmwareOfferOptions = {
  origin: optional(
    url,
    'URL that devices fetch firmware from, such as https://ota.example.com. Firmware is offered only if it is given.',
  ),
  service: firmwareService,
  releaseKeys: releaseKeysOption('offered'),
  push: switchOption(
    'Announce on every registered MQTT broker what devices are offered, as a retained message on firmware/<type>, so that devices that ' +
      'listen need not wait until they ask the next time.',
  ),
  mqtt: {
    service: option(service, 'mqtt', 'Service under which the brokers of --firmware-push register.'),
    spread: option(
      duration('1s'),
      '10m',
      'Over which time devices are to spread their questions after an announcement: each of them waits for a random part of it.',
    ),
    username: optional(string, 'User with which the brokers are told. Needs the password file.'),
    passwordFile: optional(
      file,
      'File whose first line is the password. A name without a slash is a systemd credential.',
    ),
    tls: switchOption('Use TLS to the brokers.'),
    ...tlsOptions,
  },
};

const json = switchOption('Print JSON.');

/** What every `sidekick firmware` command takes. */
const common = { json, ...etcdOptions };

/** The options of `sidekick firmware list`, `show` and `log`. */
export const firmwareReportScope = { options: common, lists: {} };

/** The options of `sidekick firmware rollout`. */
export const firmwareRolloutScope = {
  options: {
    version: optional(
      version,
      'Release to offer; default the candidate that there is, else the newest release.',
    ),
    percent: optional(
      percent,
      'Share of the devices that are offered it; a device stays in as the share grows.',
    ),
    group: optional(listOf(group), 'Groups of devices that are offered it whatever the percentage.'),
    salt: optional(
      salt,
      'What decides, with a device id, who is among the percentage; default the type and the version. The salt of an ' +
        'earlier release repeats its devices.',
    ),
    phases: optional(
      listOf(percent),
      'Shares that follow one another, such as 1%,10%,50%,100%. The first one begins now, the others as --after and --every ' +
        'say; without these, with --next.',
    ),
    after: optional(
      integer(0, 1_000_000_000),
      'Devices that must have booted the release in a phase before the next one begins.',
    ),
    every: optional(duration('1s'), 'Least time from the beginning of one phase to that of the next.'),
    notBefore: optional(time, 'When the first phase begins, such as 2026-12-01T08:00:00Z; default now.'),
    next: switchOption('Begin the next phase now, whatever it waits for.'),
    maxFailures: optional(
      percent,
      'Halt the rollout when more than this share of the devices failed or were lost, of those whose outcome is known.',
    ),
    min: optional(
      integer(1, 1_000_000_000),
      'Devices with an outcome before --max-failures halts anything; default 30.',
    ),
    interval: optional(
      duration('1s'),
      'How often a device of this type asks: one that is silent for three of these after its download is lost.',
    ),
    rescue: optional(
      listOf(version),
      'Bad releases: devices that report one of them are offered this one whatever the percentage.',
    ),
    rate: optional(rate, 'Most bytes per second of one download, such as 200KB.'),
    shadow: switchOption(
      'Offer it to nobody: count whom --percent (default 100) would reach, from what devices ask. 0 ends the counting.',
    ),
    ...common,
  },
  lists: {},
};

/** The options of `sidekick firmware status`. */
export const firmwareStatusScope = { options: { service: firmwareService, ...common }, lists: {} };

/** The options of `sidekick firmware group`. */
export const firmwareGroupScope = {
  options: {
    add: option(listOf(deviceId), [], 'Devices to add.'),
    remove: option(listOf(deviceId), [], 'Devices to remove.'),
    file: optional(
      file,
      'File with the ids of the devices, one a line: the group then has these and no others. A line that begins with # is ignored.',
    ),
    delete: switchOption('Delete the group.'),
    ...common,
  },
  lists: {},
};

/** The options of `sidekick firmware pause`. */
export const firmwarePauseScope = {
  options: { reason: optional(string, 'Why. `sidekick firmware show` and `log` show it.'), ...common },
  lists: {},
};

/** The options of `sidekick firmware resume`. */
export const firmwareResumeScope = {
  options: {
    percent: optional(percent, 'Share of the devices from now on; default the one before the pause.'),
    ...common,
  },
  lists: {},
};

/** The options of `sidekick firmware promote`. */
export const firmwarePromoteScope = { options: common, lists: {} };

/** The options of `sidekick firmware rollback`. */
export const firmwareRollbackScope = {
  options: {
    downgrade: switchOption(
      'Also take devices back to the older release whose server decides what they install (HTTPUpdate, Tasmota, ESPHome).',
    ),
    ...common,
  },
  lists: {},
};

/** The options of `sidekick firmware prune`. */
export const firmwarePruneScope = {
  options: {
    keep: option(
      integer(1, 1000),
      5,
      'Releases to keep, the newest first, beside those that the rollout names.',
    ),
    ...common,
  },
  lists: {},
};

/** The options of `sidekick firmware publish`. */
export const firmwarePublishScope = {
  options: {
    type: optional(
      type,
      'Type of the devices, such as lamp-v2; lamp-v2@eu for those in the region eu alone.',
    ),
    version: optional(string, 'Version of the release, such as 1.3.0 or 7. It never changes.'),
    chip: option(
      oneOf('auto', 'esp8266'),
      'auto',
      'auto: what the image says. An image for the ESP8266 says nothing: name it.',
    ),
    sign: optional(
      file,
      'File with an RSA key (PEM). Puts its signature in front of the image, as esp32FOTA checks it.',
    ),
    forms: optional(
      listOf(oneOf(...ANSWER_FORMS)),
      'In which forms devices of this type ask; default all. For the first release of the type.',
    ),
    signatureLength: optional(
      signatureLength,
      'Bytes of the signature that devices of this type cut off in front of an image (esp32FOTA): 512 with a key of RSA-4096. ' +
        'Default that of the first file. For the first release of the type.',
    ),
    maxSize: optional(
      integer(1, MAX_IMAGE),
      'Size in bytes of the slot of the devices. For the first release of the type.',
    ),
    clientId: optional(
      clientId,
      'ClientId of a device of this type on MQTT, such as lamp-{id}: by it, devices that are back after their download are ' +
        'known. For the first release of the type.',
    ),
    from: optional(
      version,
      'Oldest version that a device may run to take this release. Older ones need a stepping stone: see --through.',
    ),
    through: switchOption(
      'A stepping stone: devices that run an older version take it before any later release.',
    ),
    critical: switchOption('Offer it to devices however many downloads are under way.'),
    notes: optional(string, 'Release notes, up to 2000 characters.'),
    signRelease: optional(
      file,
      'File with a private key (Ed25519, PEM) that signs the record of the release, for sidekicks with firmware.releaseKeys. A name ' +
        'without a slash is a systemd credential.',
    ),
    valid: option(days, '90d', 'How long the signature of --sign-release counts.'),
    force: switchOption('Publish in spite of a check that --force may overrule; the refusal says so.'),
    repair: switchOption(
      'Upload the files of a release again that has been published: for files that no firmware server has any more. With ' +
        '--sign-release its record is signed anew as well: for a signature that expires, and for another key.',
    ),
    timeout: option(
      duration('1s'),
      '5m',
      'How long to wait until every firmware server has the files. They spread in any case.',
    ),
    upload: {
      url: optional(
        url,
        'Upload listener of a firmware server, such as https://10.0.0.11:8443; default port 8443 of one that is registered.',
      ),
      tokenFile: optional(
        file,
        'File whose first line is a bearer token. A name without a slash is a systemd credential.',
      ),
      ...tlsOptions,
    },
    service: firmwareService,
    ...common,
  },
  lists: {},
};

/** Where a release is uploaded to; the URL may have to be found among the registered firmware servers. */
export interface UploadSettings {
  readonly url: string | undefined;
  readonly token?: string;
  readonly tls?: Tls;
}

/** Reads the files that the options of an upload name. Problems go to `files`. */
export function uploadSettings(
  { url: given, tokenFile, ...tls }: Values<typeof firmwarePublishScope.options.upload>,
  files: FileReader,
): UploadSettings {
  const token = files.token('upload.tokenFile', tokenFile);
  return { url: given, ...defined({ token, tls: tlsSettings(tls, 'upload.', files) }) };
}
