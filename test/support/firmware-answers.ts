/** Requests of every kind of device, and what they are to be answered: from TypeScript and from njs alike. */
import { renderCatalogue } from '../../src/firmware/catalogue.js';
import type { Release } from '../../src/firmware/release.js';
import type { Rollout } from '../../src/firmware/rollout.js';
import {
  type CatalogueOptions,
  decode,
  encode,
  encodeOffer,
  memberKey,
  READY_KEY,
  stoneKey,
  typeKey,
} from '../../src/firmware/shared/catalogue.js';
import { ownManifest } from '../../src/firmware/shared/esphome.js';
import { ANSWER_FORMS, type AnswerForm } from '../../src/firmware/type-record.js';

const AUTHOR = { by: 'root@lb1', at: '2026-11-27T12:00:00.000Z' };
const ORIGIN = 'https://ota.example.com';

/** Below 40 % with the salt `toaster-1.3.0`: bucket 3316. */
const CHOSEN = '24:6f:28:aa:bb:cc';
/** Not below it: bucket 8232. */
const OTHER = '24:6f:28:aa:bb:ce';
const MEMBER = 'bench-1';

/** SHA-256 and MD5 are of one digit each, that of the release. */
function release(version: string, digit: string): Release {
  return {
    version,
    publishedAt: AUTHOR.at,
    publishedBy: AUTHOR.by,
    plain: { sha256: digit.repeat(64), md5: digit.repeat(32), size: 1_000_000 },
    image: { chip: 'esp32s3', appSha256: `f${digit.repeat(63)}`, secureBoot: 'none' },
  };
}

const RELEASES = new Map(
  [
    ...[release('1.2.0', '2'), release('1.3.0', '3'), release('2.0.0-rc.1', '4')],
    ...[release('0.5.0', '5'), release('0.9.0', '9')],
  ].map((one) => [one.version, one]),
);

function catalogue(
  type: string,
  rollout: Partial<Rollout>,
  forms: readonly AnswerForm[] = ANSWER_FORMS,
): [string, string] {
  const value = renderCatalogue({
    type,
    record: { chip: 'esp32s3', forms },
    rollout: { ...AUTHOR, downgrade: false, secureVersion: 0, ...rollout },
    releases: RELEASES,
    origin: ORIGIN,
    revision: 100,
  });
  if (!value.ok) throw new Error(value.reason);
  // What is counted is added to manifests: see outcomes.test.ts.
  return withOptions([typeKey(type), value.value], { count: false });
}

/** The same type with options. */
function withOptions([key, value]: [string, string], options: Partial<CatalogueOptions>): [string, string] {
  const found = decode(value);
  if (found === undefined) throw new Error(`cannot be read back: ${value}`);
  return [key, encode({ ...found, options: { ...found.options, ...options } })];
}

/** A release of a type that devices have to pass. */
function stone(type: string, version: string): [string, string] {
  const [, value] = catalogue(type, { stable: version });
  return [stoneKey(type, version), encodeOffer(decode(value)?.stable)];
}

const CANDIDATE = { version: '1.3.0', salt: 'toaster-1.3.0', percent: 40, groups: ['lab', 'beta'] };

/** A keyval zone that the watcher has filled. */
export const FILLED: ReadonlyMap<string, string> = new Map([
  [READY_KEY, '1'],
  catalogue('toaster', { stable: '1.2.0', candidate: CANDIDATE }),
  [memberKey('toaster', MEMBER), 'alpha,beta'],
  [memberKey('toaster', 'bench-2'), 'alpha'],
  catalogue('paused', { stable: '1.2.0', candidate: CANDIDATE, paused: AUTHOR }),
  [memberKey('paused', MEMBER), 'beta'],
  catalogue('everybody', { candidate: { ...CANDIDATE, percent: 100, groups: [] } }),
  catalogue('fresh', { candidate: CANDIDATE }),
  catalogue('back', { stable: '1.2.0', downgrade: true }),
  catalogue('idf', { stable: '2.0.0-rc.1' }, ['file', 'text']),
  ['foreign', '{"of":"another version"}'],
  withOptions(
    catalogue('rescued', { stable: '1.2.0', candidate: { ...CANDIDATE, percent: 0, groups: [] } }),
    { rescue: ['1.1.0', '1.2.0'] },
  ),
  withOptions(catalogue('chain', { stable: '1.2.0', candidate: { ...CANDIDATE, groups: [] } }), {
    via: ['0.5.0', '0.9.0'],
    from: '0.4.0',
    stableFrom: '0.3.0',
  }),
  stone('chain', '0.5.0'),
  stone('chain', '0.9.0'),
  withOptions(catalogue('broken', { stable: '1.2.0' }), { via: ['0.5.0'] }),
  catalogue('lamp', { stable: '1.2.0' }),
  catalogue('lamp@eu', { stable: '1.2.0', candidate: { ...CANDIDATE, groups: ['lab'] } }),
  [memberKey('lamp@eu', MEMBER), 'lab'],
  withOptions(catalogue('lamp@us', { candidate: { ...CANDIDATE, percent: 100, groups: [] } }), {
    via: ['0.5.0'],
  }),
  stone('lamp@us', '0.5.0'),
  catalogue('lamp@br', {}),
  catalogue('kettle@eu', { stable: '1.2.0' }),
]);

/** As an NGINX has it that was restarted and has not been filled yet. */
export const EMPTY: ReadonlyMap<string, string> = new Map();

export interface AnswerCase {
  readonly name: string;
  readonly store?: ReadonlyMap<string, string>;
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly https?: boolean;
  readonly certificate?: string;
  readonly status: number;
  /** The whole body; undefined where any line of text will do that is no manifest. */
  readonly body?: string;
  readonly file?: string;
  readonly md5?: string;
}

function esp32fota(type: string, version: string, digit: string): string {
  const sha256 = digit.repeat(64);
  return `{"type":"${type}","version":"${version}","url":"${ORIGIN}/blobs/${sha256}.bin","sha256":"${sha256}","size":1000000}`;
}

function esphome(type: string, version: string, digit: string): string {
  return `{"name":"${type}","version":"${version}","builds":[{"chipFamily":"ESP32-S3","ota":{"path":"/blobs/${digit.repeat(64)}.bin","md5":"${digit.repeat(32)}"}}]}`;
}

/** What Arduino's HTTPUpdate sends of a device. */
function updater(mac: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return {
    'User-Agent': 'ESP32-http-Update',
    'x-ESP32-STA-MAC': mac.toUpperCase(),
    'x-ESP32-AP-MAC': mac.toUpperCase(),
    'x-ESP32-free-space': '1310720',
    'x-ESP32-sketch-size': '900000',
    'x-ESP32-sketch-md5': '0'.repeat(32),
    'x-ESP32-sketch-sha256': 'E'.repeat(64),
    'x-ESP32-chip-size': '4194304',
    'x-ESP32-sdk-version': 'v5.5.1',
    'x-ESP32-mode': 'sketch',
    ...more,
  };
}

function blob(digit: string): { file: string; md5: string } {
  return { file: `/blobs/${digit.repeat(64)}.bin`, md5: digit.repeat(32) };
}

const ESPHOME = { 'User-Agent': 'ESPHome/2026.10.0 (https://esphome.io)' };

const FOTA_CASES: readonly AnswerCase[] = [
  {
    name: 'in the percentage',
    path: '/ota',
    query: `type=toaster&id=${CHOSEN}&version=1.2.0`,
    status: 200,
    body: esp32fota('toaster', '1.3.0', '3'),
  },
  {
    name: 'by the decimal id of esp32FOTA',
    path: '/ota',
    query: 'type=toaster&id=225106385727268',
    status: 200,
    body: esp32fota('toaster', '1.3.0', '3'),
  },
  {
    name: 'outside of the percentage',
    path: '/ota',
    query: `type=toaster&id=${OTHER}&version=1.2.0`,
    status: 200,
    body: esp32fota('toaster', '1.2.0', '2'),
  },
  {
    name: 'a member of a group',
    path: '/ota',
    query: `type=toaster&id=${MEMBER.toUpperCase()}`,
    status: 200,
    body: esp32fota('toaster', '1.3.0', '3'),
  },
  {
    name: 'a member of another group',
    path: '/ota',
    query: 'type=toaster&id=bench-2&version=1.2.0',
    status: 200,
    body: esp32fota('toaster', '1.2.0', '2'),
  },
  {
    name: 'without an id',
    path: '/ota',
    query: 'type=toaster',
    status: 200,
    body: esp32fota('toaster', '1.2.0', '2'),
  },
  {
    name: 'without an id, at 100 %',
    path: '/ota',
    query: 'type=everybody',
    status: 200,
    body: esp32fota('everybody', '1.3.0', '3'),
  },
  {
    name: 'that has the candidate',
    path: '/ota',
    query: `type=toaster&id=${CHOSEN}&version=1.3.0`,
    status: 200,
    body: esp32fota('toaster', '1.3.0', '3'),
  },
  {
    name: 'that has a paused candidate keeps it',
    path: '/ota',
    query: `type=paused&id=${CHOSEN}&version=1.3.0`,
    status: 200,
    body: esp32fota('paused', '1.3.0', '3'),
  },
  {
    name: 'that a candidate is paused for',
    path: '/ota',
    query: `type=paused&id=${CHOSEN}&version=1.1.0`,
    status: 200,
    body: esp32fota('paused', '1.2.0', '2'),
  },
  {
    name: 'of a group that a candidate is paused for',
    path: '/ota',
    query: `type=paused&id=${MEMBER}`,
    status: 200,
    body: esp32fota('paused', '1.2.0', '2'),
  },
  {
    name: 'ahead of everything',
    path: '/ota',
    query: `type=toaster&id=${OTHER}&version=9.0.0`,
    status: 200,
    body: '[]',
  },
  {
    name: 'ahead of a release that was taken back',
    path: '/ota',
    query: 'type=back&version=1.3.0',
    status: 200,
    body: esp32fota('back', '1.2.0', '2'),
  },
  {
    name: 'before the first stable release',
    path: '/ota',
    query: `type=fresh&id=${OTHER}`,
    status: 200,
    body: '[]',
  },
  {
    name: 'with a version that is none',
    path: '/ota',
    query: `type=toaster&id=${OTHER}&version=3f2a91c`,
    status: 200,
    body: esp32fota('toaster', '1.2.0', '2'),
  },
  {
    name: 'on an NGINX that is not filled yet',
    store: EMPTY,
    path: '/ota',
    query: 'type=toaster',
    status: 200,
    body: '[]',
  },
  {
    name: 'of a type whose value is of another version of sidekick',
    path: '/ota',
    query: 'type=foreign',
    status: 200,
    body: '[]',
  },
  { name: 'of a type that does not answer in this form', path: '/ota', query: 'type=idf', status: 404 },
  {
    name: 'with encoded arguments',
    path: '/ota',
    query: 'ty%70e=toast%65r&id=24%3A6F%3A28%3Aaa%3abb%3Acc',
    status: 200,
    body: esp32fota('toaster', '1.3.0', '3'),
  },
  {
    name: 'with other arguments',
    path: '/ota',
    query: `&a=1&&type=toaster&a=2&id=${OTHER}&`,
    status: 200,
    body: esp32fota('toaster', '1.2.0', '2'),
  },
];

const FILE_CASES: readonly AnswerCase[] = [
  {
    name: 'HTTPUpdate, in the percentage',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(CHOSEN),
    status: 200,
    ...blob('3'),
  },
  {
    name: 'HTTPUpdate, outside of it',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(OTHER),
    status: 200,
    ...blob('2'),
  },
  {
    name: 'HTTPUpdate, with its version',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(OTHER, { 'x-ESP32-version': '1.2.0' }),
    status: 304,
  },
  {
    name: 'HTTPUpdate, with the hash of its image',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(CHOSEN, { 'x-ESP32-sketch-sha256': `F${'3'.repeat(63)}` }),
    status: 304,
  },
  {
    name: 'HTTPUpdate, with the MD5 of its image',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(OTHER, { 'x-ESP32-sketch-md5': '2'.repeat(32) }),
    status: 304,
  },
  {
    name: 'HTTPUpdate, on the paused candidate',
    path: '/ota',
    query: 'type=paused',
    headers: updater(CHOSEN, { 'x-ESP32-sketch-md5': '3'.repeat(32) }),
    status: 304,
  },
  {
    name: 'HTTPUpdate, ahead of everything',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(CHOSEN, { 'x-ESP32-version': '9' }),
    status: 304,
  },
  {
    name: 'HTTPUpdate, taken back on purpose',
    path: '/ota',
    query: 'type=back',
    headers: updater(CHOSEN, { 'x-ESP32-version': '1.3.0' }),
    status: 200,
    ...blob('2'),
  },
  {
    name: 'HTTPUpdate, without room',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(CHOSEN, { 'x-ESP32-free-space': '900000' }),
    status: 304,
  },
  {
    name: 'HTTPUpdate, for its file system',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(CHOSEN, { 'x-ESP32-mode': 'spiffs' }),
    status: 304,
  },
  {
    name: 'HTTPUpdate of the ESP8266',
    path: '/ota',
    query: 'type=toaster',
    headers: { 'x-ESP8266-STA-MAC': CHOSEN, 'x-ESP8266-free-space': '2000000', 'x-ESP8266-mode': 'sketch' },
    status: 200,
    ...blob('3'),
  },
  {
    name: 'HTTPUpdate, on an NGINX that is not filled yet',
    store: EMPTY,
    path: '/ota',
    query: 'type=toaster',
    headers: updater(CHOSEN),
    status: 304,
  },
  {
    name: 'HTTPUpdate, before the first release',
    path: '/ota',
    query: 'type=fresh',
    headers: updater(OTHER),
    status: 304,
  },
  {
    name: 'esp_https_ota',
    path: '/ota/image',
    query: `type=idf&id=${CHOSEN}&version=v1.9.0`,
    status: 200,
    ...blob('4'),
  },
  {
    name: 'esp_https_ota, HEAD',
    method: 'HEAD',
    path: '/ota/image',
    query: `type=idf&id=${CHOSEN}`,
    status: 200,
    ...blob('4'),
  },
  {
    name: 'esp_https_ota, with what it has',
    path: '/ota/image',
    query: 'type=idf&version=v2.0.0-rc.1',
    status: 304,
  },
  { name: 'esp_https_ota, ahead', path: '/ota/image', query: 'type=idf&version=2.0.0', status: 304 },
];

const OTHER_CASES: readonly AnswerCase[] = [
  {
    name: 'ESPHome, at the path of its manifest',
    path: '/ota/toaster/manifest.json',
    query: `id=${CHOSEN}`,
    status: 200,
    body: esphome('toaster', '1.3.0', '3'),
  },
  {
    name: 'ESPHome, by its name',
    path: '/ota',
    query: `type=toaster&id=${OTHER}`,
    headers: ESPHOME,
    status: 200,
    body: esphome('toaster', '1.2.0', '2'),
  },
  {
    name: 'ESPHome, on the paused candidate',
    path: '/ota/paused/manifest.json',
    query: `id=${CHOSEN}&version=1.3.0`,
    status: 200,
    body: esphome('paused', '1.3.0', '3'),
  },
  {
    name: 'ESPHome, ahead of everything',
    path: '/ota/toaster/manifest.json',
    query: 'version=9.0.0',
    status: 200,
    body: ownManifest('toaster', '9.0.0'),
  },
  {
    name: 'ESPHome, taken back on purpose',
    path: '/ota/back/manifest.json',
    query: 'version=1.3.0',
    status: 200,
    body: esphome('back', '1.2.0', '2'),
  },
  {
    name: 'ESPHome, on an NGINX that is not filled yet',
    store: EMPTY,
    path: '/ota/toaster/manifest.json',
    status: 404,
  },
  {
    name: 'ESPHome that says its version, on an NGINX that is not filled yet',
    store: EMPTY,
    path: '/ota/toaster/manifest.json',
    query: `id=${CHOSEN}&version=1.2.0`,
    status: 200,
    body: ownManifest('toaster', '1.2.0'),
  },
  {
    name: 'ESPHome that says its version, while its release is withheld',
    path: '/ota/fresh/manifest.json',
    query: `id=${OTHER}&version=1.2.0`,
    status: 200,
    body: ownManifest('fresh', '1.2.0'),
  },
  {
    name: 'ESPHome that does not say its version, while its release is withheld',
    path: '/ota/fresh/manifest.json',
    query: `id=${OTHER}`,
    status: 404,
  },
  {
    name: 'ESPHome, for the MD5 of its file',
    path: '/ota/toaster/1.3.0.md5',
    query: `id=${CHOSEN}`,
    status: 200,
    body: '3'.repeat(32),
  },
  {
    name: 'ESPHome, for its file',
    path: '/ota/toaster/1.3.bin',
    query: `id=${CHOSEN}`,
    status: 200,
    ...blob('3'),
  },
  {
    name: 'a version that is not for this device',
    path: '/ota/toaster/1.3.0.bin',
    query: `id=${OTHER}`,
    status: 404,
  },
  {
    name: 'the version as text',
    path: '/ota/toaster/version',
    query: `id=${CHOSEN}`,
    status: 200,
    body: '1.3.0',
  },
  {
    name: 'the version as text, as the device spells it',
    path: '/ota/toaster/version',
    query: `id=${CHOSEN}&version=v1.3`,
    status: 200,
    body: 'v1.3',
  },
  {
    name: 'the version as text, ahead of everything',
    path: '/ota/toaster/version',
    query: 'version=9.0.0',
    status: 200,
    body: '9.0.0',
  },
  {
    name: 'the version as text, on an NGINX that is not filled yet',
    store: EMPTY,
    path: '/ota/toaster/version',
    query: 'version=1.0.0',
    status: 200,
    body: '1.0.0',
  },
  {
    name: 'the version as text, where nothing is known',
    store: EMPTY,
    path: '/ota/toaster/version',
    status: 404,
    body: '',
  },
];

/** A manifest in a region, whose servers the file comes from. `line`: whether it is that of a region's line. */
function inRegion(manifest: string, region: string, line: boolean): string {
  const stated = line ? manifest.replace(/("type":"[^"]+"),/, `$1,"region":"${region}",`) : manifest;
  return stated.replace('.bin"', `.bin?region=${region}"`);
}

/** Devices in regions. */
const REGION_CASES: readonly AnswerCase[] = [
  {
    name: 'in a region with a line of its own',
    path: '/ota',
    query: `type=lamp&id=${OTHER}&version=1.1.0&region=eu`,
    status: 200,
    body: inRegion(esp32fota('lamp', '1.2.0', '2'), 'eu', true),
  },
  {
    name: 'in the percentage of its region',
    path: '/ota',
    query: `type=lamp&id=${CHOSEN}&version=1.1.0&region=eu`,
    status: 200,
    body: inRegion(esp32fota('lamp', '1.3.0', '3'), 'eu', true),
  },
  {
    name: 'a member of a group of its region',
    path: '/ota',
    query: `type=lamp&id=${MEMBER}&version=1.1.0&region=eu`,
    status: 200,
    body: inRegion(esp32fota('lamp', '1.3.0', '3'), 'eu', true),
  },
  {
    name: 'of no region, where a region has a line of its own',
    path: '/ota',
    query: `type=lamp&id=${CHOSEN}&version=1.1.0`,
    status: 200,
    body: esp32fota('lamp', '1.2.0', '2'),
  },
  {
    name: 'in a region that has no line of its own',
    path: '/ota',
    query: `type=lamp&id=${CHOSEN}&version=1.1.0&region=jp`,
    status: 200,
    body: inRegion(esp32fota('lamp', '1.2.0', '2'), 'jp', false),
  },
  {
    name: 'on the way in its region',
    path: '/ota',
    query: `type=lamp&id=${CHOSEN}&version=0.4.0&region=us`,
    status: 200,
    body: inRegion(esp32fota('lamp', '0.5.0', '5'), 'us', true),
  },
  {
    name: 'in a region whose releases are withheld, which gets no other',
    path: '/ota',
    query: 'type=lamp&region=br&version=1.1.0',
    status: 200,
    body: '[]',
  },
  {
    name: 'of a type that there is in its region alone',
    path: '/ota',
    query: 'type=kettle&region=eu&version=1.2.0',
    status: 200,
    body: inRegion(esp32fota('kettle', '1.2.0', '2'), 'eu', true).replace('?region=eu', ''),
  },
  {
    name: 'of a type that there is in another region',
    path: '/ota',
    query: 'type=kettle&region=us',
    status: 404,
  },
  { name: 'that names the line of a region', path: '/ota', query: 'type=lamp@eu', status: 400 },
  { name: 'that names it in the path', path: '/ota/lamp@eu/version', query: '', status: 400 },
  { name: 'with a region that is none', path: '/ota', query: 'type=lamp&region=EU', status: 400 },
  {
    name: 'HTTPUpdate, in a region',
    path: '/ota',
    query: 'type=lamp&region=eu',
    headers: updater(CHOSEN),
    status: 200,
    ...blob('3'),
  },
  {
    name: 'ESPHome, in a region',
    path: '/ota/lamp/manifest.json',
    query: `id=${CHOSEN}&version=1.1.0&region=eu`,
    status: 200,
    body: inRegion(esphome('lamp', '1.3.0', '3'), 'eu', false),
  },
  {
    name: 'ESPHome, in a region whose releases are withheld',
    path: '/ota/lamp/manifest.json',
    query: 'version=1.1.0&region=br',
    status: 200,
    body: ownManifest('lamp', '1.1.0'),
  },
];

/** Devices that are rescued, and those that have to pass other releases. */
const WAY_CASES: readonly AnswerCase[] = [
  {
    name: 'that reports a release to be rescued from',
    path: '/ota',
    query: `type=rescued&id=${OTHER}&version=v1.1`,
    status: 200,
    body: esp32fota('rescued', '1.3.0', '3'),
  },
  {
    name: 'that reports another release than those',
    path: '/ota',
    query: `type=rescued&id=${OTHER}&version=1.0.0`,
    status: 200,
    body: esp32fota('rescued', '1.2.0', '2'),
  },
  {
    name: 'that is to be rescued and states no id',
    path: '/ota',
    query: 'type=rescued&version=1.1.0',
    status: 200,
    body: esp32fota('rescued', '1.3.0', '3'),
  },
  {
    name: 'HTTPUpdate, that is to be rescued by the hash of its image',
    path: '/ota',
    query: 'type=rescued',
    headers: updater(OTHER, { 'x-ESP32-sketch-md5': '2'.repeat(32) }),
    status: 200,
    ...blob('3'),
  },
  {
    name: 'below the first release that has to be passed',
    path: '/ota',
    query: `type=chain&id=${CHOSEN}&version=0.4.0`,
    status: 200,
    body: esp32fota('chain', '0.5.0', '5'),
  },
  {
    name: 'at a release that had to be passed',
    path: '/ota',
    query: `type=chain&id=${CHOSEN}&version=0.5.0`,
    status: 200,
    body: esp32fota('chain', '0.9.0', '9'),
  },
  {
    name: 'beyond all that had to be passed',
    path: '/ota',
    query: `type=chain&id=${CHOSEN}&version=0.9.1`,
    status: 200,
    body: esp32fota('chain', '1.3.0', '3'),
  },
  {
    name: 'below where the way to the candidate begins',
    path: '/ota',
    query: `type=chain&id=${CHOSEN}&version=0.3.0`,
    status: 200,
    body: '[]',
  },
  {
    name: 'on the way to the stable release, which begins lower',
    path: '/ota',
    query: `type=chain&id=${OTHER}&version=0.3.0`,
    status: 200,
    body: esp32fota('chain', '0.5.0', '5'),
  },
  {
    name: 'that does not say where on the way it is',
    path: '/ota',
    query: `type=chain&id=${CHOSEN}`,
    status: 200,
    body: '[]',
  },
  {
    name: 'that has its target, whatever lies before it',
    path: '/ota',
    query: `type=chain&id=${CHOSEN}&version=1.3.0`,
    status: 200,
    body: esp32fota('chain', '1.3.0', '3'),
  },
  {
    name: 'HTTPUpdate, that is on the way by the hash of its image',
    path: '/ota',
    query: 'type=chain',
    headers: updater(CHOSEN, { 'x-ESP32-sketch-md5': '9'.repeat(32) }),
    status: 200,
    ...blob('3'),
  },
  {
    name: 'a file that has to be passed, by its version',
    path: '/ota/chain/0.5.0.bin',
    query: `id=${CHOSEN}&version=0.4.0`,
    status: 200,
    ...blob('5'),
  },
  {
    name: 'whose next release is not there yet',
    path: '/ota',
    query: 'type=broken&version=0.1.0',
    status: 200,
    body: '[]',
  },
];

const REFUSED_CASES: readonly AnswerCase[] = [
  { name: 'an unknown type', path: '/ota', query: 'type=kettle', status: 404 },
  { name: "a type of every object's own", path: '/ota', query: 'type=constructor', status: 404 },
  { name: 'no type', path: '/ota', query: '', status: 400 },
  { name: 'a type with a slash', path: '/ota', query: 'type=a%2Fb', status: 400 },
  { name: "a member's key for a type", path: '/ota', query: `type=toaster%2Fid%2F${MEMBER}`, status: 400 },
  { name: 'a type with a space', path: '/ota', query: 'type=a+b', status: 400 },
  { name: 'a type twice', path: '/ota', query: 'type=toaster&type=toaster', status: 400 },
  {
    name: 'an id twice, once encoded',
    path: '/ota',
    query: `type=toaster&id=${CHOSEN}&%69d=${OTHER}`,
    status: 400,
  },
  { name: 'a type in path and query', path: '/ota/toaster/version', query: 'type=toaster', status: 400 },
  { name: 'an encoding that is none', path: '/ota', query: 'type=toaster&id=%E0%A4%A', status: 400 },
  { name: 'an id that is none', path: '/ota', query: 'type=toaster&id=a%20b', status: 400 },
  { name: 'a very long id', path: '/ota', query: `type=toaster&id=${'x'.repeat(65)}`, status: 400 },
  { name: 'a path below that is none', path: '/ota/toaster', status: 404 },
  { name: 'a path of another file', path: '/ota/toaster/1.3.0.elf', status: 404 },
  { name: 'POST', method: 'POST', path: '/ota', query: 'type=toaster', status: 405 },
  { name: 'plain HTTP', https: false, path: '/ota', query: 'type=toaster', status: 403 },
  {
    name: 'an id that is not the name in the certificate',
    certificate: MEMBER,
    path: '/ota',
    query: `type=toaster&id=${OTHER}`,
    status: 403,
  },
  {
    name: 'a certificate with a name that is no id',
    certificate: 'Jane Doe',
    path: '/ota',
    query: 'type=toaster',
    status: 403,
  },
];

const CERTIFICATE_CASES: readonly AnswerCase[] = [
  {
    name: 'the name in the certificate is the id',
    certificate: MEMBER,
    path: '/ota',
    query: 'type=toaster',
    status: 200,
    body: esp32fota('toaster', '1.3.0', '3'),
  },
  {
    name: 'the name in the certificate, claimed as well',
    certificate: 'Bench-1',
    path: '/ota',
    query: `type=toaster&id=${MEMBER}`,
    status: 200,
    body: esp32fota('toaster', '1.3.0', '3'),
  },
  {
    name: 'the certificate goes before the MAC address of HTTPUpdate',
    certificate: 'bench-2',
    path: '/ota',
    query: 'type=toaster',
    headers: updater(CHOSEN),
    status: 200,
    ...blob('2'),
  },
];

export const ANSWER_CASES: readonly AnswerCase[] = [
  ...FOTA_CASES,
  ...FILE_CASES,
  ...OTHER_CASES,
  ...CERTIFICATE_CASES,
  ...REGION_CASES,
  ...WAY_CASES,
  ...REFUSED_CASES,
];
