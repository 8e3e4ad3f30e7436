import { describe, expect, it } from 'vitest';
import { page } from '../../../../src/telemetry/dashboard/page.js';
import { disconnect, INITIAL_STATE, receive } from '../../../../src/telemetry/dashboard/state.js';
import type { Element, Node } from '../../../../src/telemetry/dashboard/tree.js';
import { hostileText } from '../../../support/hostile.js';
import { fc } from '../../../support/property.js';
import { CHOICES, knowing, NGINX, NOW, problems, shown, UPSTREAM, WATCHER } from '../support/page.js';
import { textOf } from '../support/text-of.js';

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
