import { describe, expect, it } from 'vitest';
import { FIRMWARE, KEY, NGINX, NOW, problems, shown, UPSTREAM, WATCHER } from '../support/page.js';

describe('what needs attention', () => {
  it.each([
    [
      { watcher: { ...WATCHER, etcd: { state: 'unavailable', error: 'refused' } } },
      /^bad \| etcd is unavailable \| refused/,
    ],
    [
      { watcher: { ...WATCHER, etcd: { state: 'refused', error: 'no space' } } },
      /^bad \| etcd refuses .* no space/,
    ],
    [{ watcher: { ...WATCHER, superseded: true } }, /^bad \| Another watcher with the id lb1/],
    [
      { 'nginx/lb': { ...NGINX, state: 'unavailable', error: 'ECONNREFUSED', lastSeenAt: NOW - 90_000 } },
      /^bad \| NGINX lb is unavailable \| ECONNREFUSED \| It last answered 1 min 30 s ago/,
    ],
    [
      { 'nginx/lb': { ...NGINX, state: 'refused', error: '401' } },
      /^bad \| NGINX lb refuses .* never answered/,
    ],
    [
      { 'nginx/lb': { ...NGINX, problems: ['no group mqtt'] } },
      /^warn \| no group mqtt \| lb \| Declare the group/,
    ],
    [{ 'nginx/lb': { ...NGINX, more: 2 } }, /^warn \| 2 upstreams of NGINX lb not shown/],
    [
      { [KEY]: { ...UPSTREAM, inSync: false, errors: ['add 10.0.0.9:80: x'] } },
      /^bad \| http\/firmware of lb is not in sync/,
    ],
    [{ [KEY]: { ...UPSTREAM, inSync: false, counts: { up: 1, missing: 2 } } }, /^warn \| 2 servers missing/],
    [
      { [KEY]: { ...UPSTREAM, counts: { up: 1, held: 3 } } },
      /^warn \| The guard holds 3 servers .*sidekick unhold firmware/,
    ],
    [{ [KEY]: { ...UPSTREAM, counts: { up: 1, down: 1 } } }, /^warn \| 1 server down/],
    [{ [KEY]: { ...UPSTREAM, counts: { down: 2 } } }, /^bad \| No server of http\/firmware of lb is up/],
    [{ rejectedCount: 4, rejected: [] }, /^warn \| 4 registrations refused/],
    [{ services: [{ name: 'x', overLimit: 7 }] }, /^warn \| 7 registrations of x left out/],
    [
      {
        firmware: FIRMWARE,
        'type/lamp': { type: 'lamp', withheld: [{ version: '2', reason: 'lacks a file' }] },
      },
      /^warn \| Firmware lamp 2 is not offered \| lacks a file/,
    ],
    [
      { firmware: { ...FIRMWARE, nginx: [{ nginx: 'lb', state: 'unserved' }] } },
      /^warn \| NGINX lb has no zone/,
    ],
    [
      { firmware: { ...FIRMWARE, outcomes: [{ nginx: 'lb', state: 'uncounted' }] } },
      /^warn \| NGINX lb does not count the outcomes of firmware/,
    ],
    [
      { firmware: { ...FIRMWARE, outcomes: [{ nginx: 'lb', state: 'unavailable', error: 'refused' }] } },
      /^warn \| NGINX lb does not report the outcomes of firmware \| refused/,
    ],
  ])('is said with why and what to do: %o', (parts, expected) => {
    const found = problems(parts);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });

  it('begins with the worst, and counts what there is no room for', () => {
    const unmapped = Array.from({ length: 20 }, (_, n) => `no group s${n}`);
    const parts = { 'nginx/lb': { ...NGINX, problems: unmapped }, watcher: { ...WATCHER, superseded: true } };
    expect(problems(parts)[0]).toMatch(/^bad/);
    expect(shown(parts)).toContain('and 9 more problems');
    expect(shown(parts)).toContain('21 things need attention');
  });

  it('is not made of what NGINX had before it went away', () => {
    const parts = {
      'nginx/lb': { ...NGINX, state: 'unavailable' },
      [KEY]: { ...UPSTREAM, inSync: false, counts: { unknown: 2 }, errors: ['x'] },
    };
    expect(problems(parts)).toHaveLength(1);
    expect(shown(parts)).toContain('not known');
  });
});
