/** Devices with a certificate. */
import { type AnswerCase, blob, esp32fota, updater } from './answer-case.js';
import { CHOSEN, MEMBER } from './zone.js';

export const CERTIFICATE_CASES: readonly AnswerCase[] = [
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
