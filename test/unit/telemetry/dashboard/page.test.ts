import { describe, expect, it } from 'vitest';
import { problemsOf } from '../../../../src/telemetry/dashboard/attention.js';
import { page } from '../../../../src/telemetry/dashboard/page.js';
import { disconnect, INITIAL_STATE, receive } from '../../../../src/telemetry/dashboard/state.js';
import type { Element, Node } from '../../../../src/telemetry/dashboard/tree.js';
import { countsOf, pathOf, whyOf } from '../../../../src/telemetry/dashboard/upstreams.js';
import { hostileText } from '../../../support/hostile.js';
import { fc } from '../../../support/property.js';
import { textOf } from '../support/text-of.js';

const NOW = 1_000_000;
const CHOICES = { opened: new Map(), pages: new Map(), filter: '' };

const WATCHER = {
  id: 'lb1',
  version: '1.2.3',
  since: NOW - 65_000,
  ready: true,
  superseded: false,
  etcd: { state: 'connected' },
};
const NGINX = { name: 'lb', state: 'connected', version: '1.26', problems: [], unfed: [], more: 0 };
const UPSTREAM = {
  nginx: 'lb',
  kind: 'http',
  name: 'firmware',
  services: ['firmware'],
  inSync: true,
  errors: [],
  unmanaged: 0,
  counts: { up: 1 },
  active: 3,
  rate: 12.4,
  servers: [{ address: '10.0.0.1:80', state: 'up', active: 3, rate: 12.4 }],
};
const KEY = 'upstream/lb/http/firmware';
const FIRMWARE = {
  servers: 2,
  nginx: [{ nginx: 'lb', state: 'in-sync' }],
  outcomes: [{ nginx: 'lb', state: 'counting' }],
};

/** What the page knows after a first message with these parts beside a good watcher's. */
function knowing(parts: Record<string, unknown> = {}) {
  const all = { watcher: WATCHER, 'nginx/lb': NGINX, [KEY]: UPSTREAM, ...parts };
  return receive(INITIAL_STATE, { now: NOW, run: 'a', first: true, parts: all }, NOW);
}

const shown = (parts?: Record<string, unknown>, choices = {}) => {
  const { header, main } = page(knowing(parts), { ...CHOICES, ...choices }, NOW);
  return textOf([...header, ...main]);
};
const problems = (parts?: Record<string, unknown>) =>
  problemsOf(knowing(parts), NOW).map(({ severity, what, why, remedy }) =>
    [severity, what, why, remedy].filter((text) => text !== undefined).join(' | '),
  );

describe('the page', () => {
  it('says that all is well where it is, with the figures', () => {
    const text = shown();
    expect(text).toContain('lb1 version 1.2.3, up 1 min 5 s');
    expect(text).toContain('Everything is in sync');
    expect(text).toContain('Live');
    expect(text).toContain('12 Requests/s'.split(' ').reverse().join(' '));
    expect(text).toMatch(/http\/ firmware in sync 3 {2}open 12 {2}requests\/s/);
    expect(problems()).toEqual([]);
    expect(page(knowing(), CHOICES, NOW)).toMatchObject({
      title: 'sidekick lb1',
      announcement: 'Everything is in sync.',
    });
  });

  it('says that it has no connection, for how long, and to screen readers once', () => {
    const lost = disconnect(knowing(), 'lost', NOW);
    const { header, announcement, title } = page(lost, CHOICES, NOW + 12_000);
    expect(textOf(header)).toContain('No connection for 12 s: what you see is old. Trying again…');
    expect(announcement).toBe('The connection to the watcher is lost. Trying again.');
    expect(page(lost, CHOICES, NOW + 13_000).announcement).toBe(announcement);
    expect(title).toBe('sidekick lb1: no connection');
    expect(textOf(page(disconnect(lost, 'denied', NOW), CHOICES, NOW).header)).toContain('credential');
  });

  it('waits before the first message', () => {
    expect(textOf(page(INITIAL_STATE, CHOICES, NOW).main)).toBe('Connecting to the watcher…');
  });
});

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

describe('an upstream', () => {
  it('lists the servers that need attention, some that are up, and lets the others be looked through', () => {
    const up = Array.from({ length: 47 }, (_, n) => ({ address: `10.0.0.${n}:80`, state: 'up' }));
    const draining = [1, 2, 3].map((n) => ({ address: `10.1.0.${n}:80`, state: 'draining' }));
    const counts = { up: 9_997, draining: 3 };
    const text = shown({ [KEY]: { ...UPSTREAM, counts, servers: [...draining, ...up] } });
    expect(text.match(/10\.\d\.0\.\d+:80/g)).toHaveLength(10);
    expect(text).toContain('Browse all 10,000 servers');
    expect(text).toContain('9,997 up, 3 draining');
  });

  it('is closed where there are many and nothing is wrong with it, unless it was opened', () => {
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, n) => [
        `upstream/lb/http/s${n}`,
        {
          ...UPSTREAM,
          name: `s${n}`,
          servers: [{ address: `10.9.0.${n}:80`, state: n === 7 ? 'down' : 'up' }],
          counts: n === 7 ? { down: 1 } : { up: 1 },
        },
      ]),
    );
    expect(shown(many).match(/10\.9\.0\.\d+:80/g)).toEqual(['10.9.0.7:80']);
    const opened = new Map([
      ['upstream/lb/http/s3', true],
      ['upstream/lb/http/s7', false],
    ]);
    expect(shown(many, { opened }).match(/10\.9\.0\.\d+:80/g)).toEqual(['10.9.0.3:80']);
  });

  it('shows the page that is looked at', () => {
    const servers = [{ address: '10.5.5.5:80', state: 'up' }];
    const browsing = (more: object) =>
      shown({}, { pages: new Map([[KEY, { from: 50, filter: '', servers, total: 120, ...more }]]) });
    expect(browsing({})).toContain('51 to 51 of 120');
    expect(browsing({})).toContain('10.5.5.5:80');
    expect(browsing({ servers: undefined })).toContain('Loading…');
    expect(browsing({ servers: [], total: 0, filter: '9.9' })).toContain('No server has 9.9');
  });

  it('says why a server is as it is, and how much time is left', () => {
    expect(whyOf({ address: '', state: 'draining', until: 24_500, reason: 'x' }, 500)).toBe('0:24 left, x');
    expect(whyOf({ address: '', state: 'held', until: 65_000 }, 0)).toBe('1:05 until the guard lets go');
    expect(whyOf({ address: '', state: 'draining', until: 1 }, 5)).toBe('time is over');
    expect(whyOf({ address: '', state: 'down', reason: 'connection refused' }, 0)).toBe('connection refused');
    expect(countsOf({})).toBe('no servers');
  });

  it('has its rate drawn between 0 and the highest', () => {
    expect(pathOf([0, 5, 10])).toBe('M0.0 19.0 L50.0 10.0 L100.0 1.0');
    expect(pathOf([0, 0])).toBe('M0.0 19.0 L100.0 19.0');
  });
});

describe('firmware', () => {
  const type = { type: 'lamp', stable: '1', offered: ['1'], withheld: [], unreadable: [] };
  const candidate = { version: '2', percent: 10, groups: ['office'], phases: [1, 10, 100] };
  const COUNTED = { phases: [], sample: 1 };

  it('is who is offered what, how far a candidate is, and who paused it', () => {
    const text = shown({ firmware: FIRMWARE, 'type/lamp': { ...type, candidate, offered: ['1', '2'] } });
    expect(text).toContain('lamp Stable 1 offered Candidate 2 offered');
    expect(text).toContain('10 % of the devices and the group office (phases: 1 %, 10 %, 100 %)');
    const paused = { by: 'ada@lb1', at: '2026-01-31T12:00:00Z', reason: 'it loops' };
    const stopped = shown({ firmware: FIRMWARE, 'type/lamp': { ...type, candidate, paused } });
    expect(stopped).toMatch(/Candidate 2 not offered .*Paused by ada@lb1 at .*: it loops/);
  });

  it('says what became of the devices, what that proves, and what the next phase waits for', () => {
    const all = {
      offered: 80,
      downloaded: 70,
      booted: 58,
      failed: 2,
      lost: 0,
      inFlight: 20,
      proof: '2 of 60 failed',
    };
    const limit = { maxFailures: 5, min: 30, outcomes: 60, failures: 2 };
    const waiting = (begins: string, ...unmet: readonly object[]) =>
      shown({
        firmware: FIRMWARE,
        'type/lamp': {
          ...type,
          candidate,
          progress: { ...COUNTED, all, limit, next: { percent: 50, begins, unmet } },
        },
      });
    const text = waiting('gate', { kind: 'booted', booted: 58, after: 60 });
    expect(text).toContain('offered 80 downloaded 70 booted 58 failed 2 in flight 20 2 of 60 failed');
    expect(text).toContain('more than 5 % of at least 30 devices fail or are lost: 2 of 60 so far');
    expect(text).toContain('50 % next, when 60 devices have booted (58 so far)');
    expect(waiting('gate', { kind: 'time', until: '2026-12-01T08:00:00Z' })).toMatch(
      /50 % next, when 1 Dec, \d\d:00 has come/,
    );
    expect(waiting('gate')).toContain('50 % next, at once');
    expect(waiting('operator')).toContain('when an operator begins it');
    expect(waiting('paused')).toContain('once it is resumed');
    const running = [
      { version: '3', devices: 30 },
      { version: 'other', devices: 10 },
    ];
    const shadow = { version: '4', percent: 5, devices: 40, running };
    expect(shown({ firmware: FIRMWARE, 'type/lamp': { ...type, shadow } })).toContain(
      '4 is in shadow, offered to nobody: at 5 % it would reach 40 devices of those that have asked (30 run 3, 10 run another)',
    );
    const rejected = [{ version: '3', reason: 'no trusted key vouches for it' }];
    expect(shown({ firmware: FIRMWARE, 'type/lamp': { ...type, rejected } })).toContain(
      '3 is refused:  no trusted key',
    );
  });

  it('says what became of the devices of each phase, where there was more than one', () => {
    const all = { offered: 80, booted: 58 };
    const first = {
      percent: 1,
      at: '2026-01-31T12:00:00Z',
      offered: 20,
      booted: 18,
      proof: '18 of 18 booted',
    };
    const second = { percent: 10, at: '2026-01-31T13:00:00Z', offered: 60, booted: 40, resumed: true };
    const progress = (...phases: readonly object[]) =>
      shown({
        firmware: FIRMWARE,
        'type/lamp': { ...type, candidate, progress: { ...COUNTED, all, phases } },
      });
    expect(progress(first, second)).toMatch(
      /1 % +began 31 Jan, \d\d:00 offered 20 booted 18 18 of 18 booted 10 % +resumed 31 Jan, \d\d:00 offered 60 booted 40/,
    );
    expect(progress(first)).not.toContain('began');
  });

  it('says that only some devices are counted, and which ones are rescued', () => {
    const progress = { ...COUNTED, all: { offered: 80 }, sample: 4 };
    const rescuing = { ...candidate, rescue: ['1.3.0'] };
    const text = shown({ firmware: FIRMWARE, 'type/lamp': { ...type, candidate: rescuing, progress } });
    expect(text).toContain('One device in 4 is counted');
    expect(text).toContain('and the group office and devices that run 1.3.0');
  });

  it('says how many devices have booted by their ClientId alone', () => {
    const all = { offered: 80, downloaded: 70, booted: 58, returned: 12 };
    expect(
      shown({ firmware: FIRMWARE, 'type/lamp': { ...type, candidate, progress: { ...COUNTED, all } } }),
    ).toContain('booted 58 of these by their ClientId alone 12');
  });

  it('says which NGINX counts outcomes, and which does not', () => {
    const outcomes = [
      { nginx: 'lb1', state: 'counting', sample: 4 },
      { nginx: 'lb2', state: 'uncounted' },
      { nginx: 'lb3', state: 'idle' },
    ];
    const text = shown({ firmware: { ...FIRMWARE, outcomes } });
    expect(text).toMatch(/Outcomes:\s+lb1\s+counted, one device in 4\s+lb2\s+not counted/);
    expect(text).not.toContain('lb3');
    expect(shown({ firmware: { ...FIRMWARE, outcomes: outcomes.slice(2) } })).not.toContain('Outcomes:');
  });

  it('says on how many brokers releases are announced, and which one cannot be told', () => {
    const behind = [
      { broker: '10.0.0.1:1883', state: 'unavailable', error: 'connection refused' },
      { broker: '10.0.0.2:1883', state: 'pending' },
    ];
    const text = shown({ firmware: { ...FIRMWARE, brokers: { all: 3, inSync: 1, behind } } });
    expect(text).toMatch(/Announced on 1 of 3 brokers\s+10.0.0.1:1883\s+cannot be told: connection refused/);
    expect(text).toMatch(/10.0.0.2:1883\s+is not told yet/);
    expect(shown({ firmware: FIRMWARE })).not.toContain('Announced');
  });

  it('is not there where no firmware is offered', () => {
    expect(shown()).not.toContain('Firmware');
    expect(shown({ firmware: FIRMWARE })).toContain('No type of device is published for yet.');
  });
});

describe('what operators drain and what is refused', () => {
  it('is listed with who, when and why', () => {
    const drained = {
      service: 'mqtt',
      address: '10.0.0.1:1883',
      by: 'ada@lb1',
      at: '2026-01-31T12:00:00Z',
      reason: 'disk',
    };
    const rejected = [{ key: '/services/x/y', reason: 'address must be host:port' }];
    const text = shown({ maintenance: [drained], rejected, rejectedCount: 3 });
    expect(text).toMatch(/Drained by operators .*mqtt 10\.0\.0\.1:1883 ada@lb1 .* disk/);
    expect(text).toMatch(/Refused registrations .*\/services\/x\/y address must be host:port and 2 more/);
  });
});

/** Every element of a tree. */
function elements(nodes: readonly Node[]): readonly Element[] {
  return nodes.flatMap((node) => (typeof node === 'string' ? [] : [node, ...elements(node.children)]));
}

describe('a hostile name', () => {
  it('is text wherever it is shown: no element, attribute or style comes of it', () => {
    const harmless = everywhere('x');
    fc.assert(
      fc.property(
        fc.oneof(hostileText, fc.constantFrom('<img src=x onerror=alert(1)>', '"><script>')),
        (text) => {
          const made = everywhere(text);
          expect(made.map(({ tag }) => tag)).toEqual(harmless.map(({ tag }) => tag));
          for (const [index, { attributes, style }] of made.entries()) {
            expect(Object.keys(attributes)).toEqual(Object.keys(harmless[index]?.attributes ?? {}));
            expect(attributes.class).toBe(harmless[index]?.attributes.class);
            expect(style).toEqual(harmless[index]?.style);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  /** The page of a watcher of which everything that others may write is this text. */
  function everywhere(text: string): readonly Element[] {
    // The empty text is left out, which is another page.
    const name = `n${text}`;
    const state = receive(
      INITIAL_STATE,
      {
        now: NOW,
        run: name,
        first: true,
        events: [
          { id: name, time: name, level: name as 'info', event: name, message: name, nginx: name },
          {
            id: `${name}2`,
            time: name,
            level: 'info',
            event: 'server-added',
            message: name,
            address: name,
            because: name,
            upstream: name,
            kind: name,
          },
        ],
        parts: {
          watcher: { ...WATCHER, id: name, version: name, etcd: { state: 'refused', error: name } },
          'nginx/x': {
            ...NGINX,
            name: 'x',
            state: 'connected',
            version: name,
            problems: [name],
            unfed: [name],
          },
          'upstream/x/http/y': {
            ...UPSTREAM,
            nginx: 'x',
            name,
            services: [name],
            errors: [name],
            counts: { down: 1 },
            servers: [{ address: name, state: name, reason: name }],
          },
          rejected: [{ key: name, reason: name }],
          rejectedCount: 1,
          maintenance: [{ service: name, address: name, by: name, at: name, reason: name }],
          firmware: {
            servers: 1,
            nginx: [{ nginx: name, state: name, error: name }],
            outcomes: [{ nginx: name, state: name, error: name }],
            brokers: { all: 1, inSync: 0, behind: [{ broker: name, state: 'unavailable', error: name }] },
          },
          'type/z': {
            type: name,
            stable: name,
            candidate: { version: name, percent: 1, groups: [name] },
            paused: { by: name, at: name, reason: name },
            offered: [name],
            withheld: [{ version: name, reason: name, waitingFor: [] }],
            unreadable: [{ key: name, reason: name }],
          },
        },
      },
      NOW,
    );
    const { header, main } = page(state, CHOICES, NOW);
    return elements([...header, ...main]);
  }
});
