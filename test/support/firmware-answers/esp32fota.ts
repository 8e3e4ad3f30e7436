/** Devices with esp32FOTA. */
import { type AnswerCase, esp32fota, manifest } from './answer-case.js';
import { CHOSEN, EMPTY, MEMBER, OTHER } from './zone.js';

export const ESP32FOTA_CASES: readonly AnswerCase[] = [
  manifest(
    'in the percentage',
    `type=toaster&id=${CHOSEN}&version=1.2.0`,
    esp32fota('toaster', '1.3.0', '3'),
  ),
  manifest(
    'by the decimal id of esp32FOTA',
    'type=toaster&id=225106385727268',
    esp32fota('toaster', '1.3.0', '3'),
  ),
  manifest(
    'outside of the percentage',
    `type=toaster&id=${OTHER}&version=1.2.0`,
    esp32fota('toaster', '1.2.0', '2'),
  ),
  manifest(
    'a member of a group',
    `type=toaster&id=${MEMBER.toUpperCase()}`,
    esp32fota('toaster', '1.3.0', '3'),
  ),
  manifest(
    'a member of another group',
    'type=toaster&id=bench-2&version=1.2.0',
    esp32fota('toaster', '1.2.0', '2'),
  ),
  manifest('without an id', 'type=toaster', esp32fota('toaster', '1.2.0', '2')),
  manifest('without an id, at 100 %', 'type=everybody', esp32fota('everybody', '1.3.0', '3')),
  manifest(
    'that has the candidate',
    `type=toaster&id=${CHOSEN}&version=1.3.0`,
    esp32fota('toaster', '1.3.0', '3'),
  ),
  manifest(
    'that has a paused candidate keeps it',
    `type=paused&id=${CHOSEN}&version=1.3.0`,
    esp32fota('paused', '1.3.0', '3'),
  ),
  manifest(
    'that a candidate is paused for',
    `type=paused&id=${CHOSEN}&version=1.1.0`,
    esp32fota('paused', '1.2.0', '2'),
  ),
  manifest(
    'of a group that a candidate is paused for',
    `type=paused&id=${MEMBER}`,
    esp32fota('paused', '1.2.0', '2'),
  ),
  manifest('ahead of everything', `type=toaster&id=${OTHER}&version=9.0.0`, '[]'),
  manifest(
    'ahead of a release that was taken back',
    'type=back&version=1.3.0',
    esp32fota('back', '1.2.0', '2'),
  ),
  manifest('before the first stable release', `type=fresh&id=${OTHER}`, '[]'),
  manifest(
    'with a version that is none',
    `type=toaster&id=${OTHER}&version=3f2a91c`,
    esp32fota('toaster', '1.2.0', '2'),
  ),
  {
    name: 'on an NGINX that is not filled yet',
    store: EMPTY,
    path: '/ota',
    query: 'type=toaster',
    status: 200,
    body: '[]',
  },
  manifest('of a type whose value is of another version of sidekick', 'type=foreign', '[]'),
  { name: 'of a type that does not answer in this form', path: '/ota', query: 'type=idf', status: 404 },
  manifest(
    'with encoded arguments',
    'ty%70e=toast%65r&id=24%3A6F%3A28%3Aaa%3abb%3Acc',
    esp32fota('toaster', '1.3.0', '3'),
  ),
  manifest('with other arguments', `&a=1&&type=toaster&a=2&id=${OTHER}&`, esp32fota('toaster', '1.2.0', '2')),
];
