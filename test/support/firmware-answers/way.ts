/** Devices that are rescued, and those that have to pass other releases. */
import { type AnswerCase, blob, esp32fota, manifest, updater } from './answer-case.js';
import { CHOSEN, OTHER } from './zone.js';

export const WAY_CASES: readonly AnswerCase[] = [
  manifest(
    'that reports a release to be rescued from',
    `type=rescued&id=${OTHER}&version=v1.1`,
    esp32fota('rescued', '1.3.0', '3'),
  ),
  manifest(
    'that reports another release than those',
    `type=rescued&id=${OTHER}&version=1.0.0`,
    esp32fota('rescued', '1.2.0', '2'),
  ),
  manifest(
    'that is to be rescued and states no id',
    'type=rescued&version=1.1.0',
    esp32fota('rescued', '1.3.0', '3'),
  ),
  {
    name: 'HTTPUpdate, that is to be rescued by the hash of its image',
    path: '/ota',
    query: 'type=rescued',
    headers: updater(OTHER, { 'x-ESP32-sketch-md5': '2'.repeat(32) }),
    status: 200,
    ...blob('3'),
  },
  manifest(
    'below the first release that has to be passed',
    `type=chain&id=${CHOSEN}&version=0.4.0`,
    esp32fota('chain', '0.5.0', '5'),
  ),
  manifest(
    'at a release that had to be passed',
    `type=chain&id=${CHOSEN}&version=0.5.0`,
    esp32fota('chain', '0.9.0', '9'),
  ),
  manifest(
    'beyond all that had to be passed',
    `type=chain&id=${CHOSEN}&version=0.9.1`,
    esp32fota('chain', '1.3.0', '3'),
  ),
  manifest('below where the way to the candidate begins', `type=chain&id=${CHOSEN}&version=0.3.0`, '[]'),
  manifest(
    'on the way to the stable release, which begins lower',
    `type=chain&id=${OTHER}&version=0.3.0`,
    esp32fota('chain', '0.5.0', '5'),
  ),
  manifest('that does not say where on the way it is', `type=chain&id=${CHOSEN}`, '[]'),
  manifest(
    'that has its target, whatever lies before it',
    `type=chain&id=${CHOSEN}&version=1.3.0`,
    esp32fota('chain', '1.3.0', '3'),
  ),
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
  manifest('whose next release is not there yet', 'type=broken&version=0.1.0', '[]'),
];
