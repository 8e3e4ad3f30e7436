/** Requests that are refused. */
import type { AnswerCase } from './answer-case.js';
import { CHOSEN, MEMBER, OTHER } from './zone.js';

export const REFUSED_CASES: readonly AnswerCase[] = [
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
