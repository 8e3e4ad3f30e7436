import { describe, expect, it } from 'vitest';
import { countsOf, pathOf, whyOf } from '../../../../src/telemetry/dashboard/upstreams.js';
import { KEY, shown, UPSTREAM } from '../support/page.js';

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
