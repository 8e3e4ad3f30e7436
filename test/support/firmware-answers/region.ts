/** Devices in regions. */
import { ownManifest } from '../../../src/firmware/shared/esphome.js';
import { type AnswerCase, blob, esp32fota, esphome, manifest, updater } from './answer-case.js';
import { CHOSEN, MEMBER, OTHER } from './zone.js';

/** A manifest in a region, whose servers the file comes from. `line`: whether it is that of a region's line. */
function inRegion(manifest: string, region: string, line: boolean): string {
  const stated = line ? manifest.replace(/("type":"[^"]+"),/, `$1,"region":"${region}",`) : manifest;
  return stated.replace('.bin"', `.bin?region=${region}"`);
}

export const REGION_CASES: readonly AnswerCase[] = [
  manifest(
    'in a region with a line of its own',
    `type=lamp&id=${OTHER}&version=1.1.0&region=eu`,
    inRegion(esp32fota('lamp', '1.2.0', '2'), 'eu', true),
  ),
  manifest(
    'in the percentage of its region',
    `type=lamp&id=${CHOSEN}&version=1.1.0&region=eu`,
    inRegion(esp32fota('lamp', '1.3.0', '3'), 'eu', true),
  ),
  manifest(
    'a member of a group of its region',
    `type=lamp&id=${MEMBER}&version=1.1.0&region=eu`,
    inRegion(esp32fota('lamp', '1.3.0', '3'), 'eu', true),
  ),
  manifest(
    'of no region, where a region has a line of its own',
    `type=lamp&id=${CHOSEN}&version=1.1.0`,
    esp32fota('lamp', '1.2.0', '2'),
  ),
  manifest(
    'in a region that has no line of its own',
    `type=lamp&id=${CHOSEN}&version=1.1.0&region=jp`,
    inRegion(esp32fota('lamp', '1.2.0', '2'), 'jp', false),
  ),
  manifest(
    'on the way in its region',
    `type=lamp&id=${CHOSEN}&version=0.4.0&region=us`,
    inRegion(esp32fota('lamp', '0.5.0', '5'), 'us', true),
  ),
  manifest(
    'in a region whose releases are withheld, which gets no other',
    'type=lamp&region=br&version=1.1.0',
    '[]',
  ),
  manifest(
    'of a type that there is in its region alone',
    'type=kettle&region=eu&version=1.2.0',
    inRegion(esp32fota('kettle', '1.2.0', '2'), 'eu', true).replace('?region=eu', ''),
  ),
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
