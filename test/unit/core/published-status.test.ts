import { describe, expect, it } from 'vitest';
import {
  decodeInstance,
  decodeWatcher,
  encodeInstance,
  encodeWatcher,
} from '../../../src/core/published-status.js';
import { publishedNginx, publishedUpstream, publishedWatcher } from '../../support/fleet.js';
import { fc } from '../../support/property.js';

/** The longest value, in characters. */
const MAX_PUBLISHED = 16_384;

const others = Array.from({ length: 50 }, (_, n) => ({
  address: `10.0.0.${n}:80`,
  state: 'down',
  reason: 'x'.repeat(150),
}));

describe('the status of a watcher', () => {
  it('reads back', () => {
    const upstream = publishedUpstream({
      inSync: false,
      error: 'zone full',
      others: [
        { address: '10.0.0.1:80', state: 'draining', active: 3, until: 9_000, reason: 'its registrar stops' },
        { address: '10.0.0.2:80', state: 'down' },
      ],
    });
    const problems = [{ service: 'mqtt', message: 'NGINX has no upstream mqtt' }];
    const unfed = ['stream/other'];
    const watcher = publishedWatcher({
      error: 'no space',
      rejected: [{ key: 'k', reason: 'r' }],
      limited: [{ service: 'firmware', overLimit: 9 }],
      nginx: [
        publishedNginx({ error: 'refused', upstreams: [upstream, publishedUpstream()], problems, unfed }),
      ],
    });
    expect(decodeWatcher(encodeWatcher(watcher))).toEqual(watcher);
  });

  it('names first what is not in sync, then what has servers that are not up', () => {
    const upstreams = [
      publishedUpstream({ name: 'all is well' }),
      publishedUpstream({ name: 'a server is down', others }),
      publishedUpstream({ name: 'not in sync', inSync: false }),
      publishedUpstream({ name: 'both', inSync: false, others }),
    ];
    const value = encodeWatcher(publishedWatcher({ nginx: [publishedNginx({ upstreams })] }));
    expect(decodeWatcher(value)?.nginx[0]?.upstreams.map(({ name }) => name)).toEqual([
      'both',
      'not in sync',
      'a server is down',
      'all is well',
    ]);
  });

  it('is whole as long as it fits', () => {
    const upstreams = [publishedUpstream({ others })];
    const long = (error: string) => publishedWatcher({ error, nginx: [publishedNginx({ upstreams })] });
    const room = MAX_PUBLISHED - encodeWatcher(long('.')).length;
    const most = long('.'.repeat(1 + room));
    expect(JSON.parse(encodeWatcher(most))).toEqual(most);
    expect(decodeWatcher(encodeWatcher(long('.'.repeat(2 + room))))?.nginx[0]?.upstreams[0]).toMatchObject({
      more: 40,
    });
  });

  it('has a bounded length: what is in sync is left out first, and what is left out is counted', () => {
    const upstreams = Array.from({ length: 500 }, (_, n) =>
      publishedUpstream({ name: `service-${n}`, inSync: n !== 499, others: n === 499 ? others : [] }),
    );
    const value = encodeWatcher(publishedWatcher({ nginx: [publishedNginx({ upstreams })] }));
    expect(value.length).toBeLessThanOrEqual(MAX_PUBLISHED);
    const [nginx] = decodeWatcher(value)?.nginx ?? [];
    expect((nginx?.upstreams.length ?? 0) + (nginx?.more ?? 0)).toBe(500);
    expect(nginx?.upstreams[0]).toMatchObject({ name: 'service-499', inSync: false });
    const [first] = nginx?.upstreams ?? [];
    expect((first?.others.length ?? 0) + (first?.more ?? 0)).toBe(50);
  });

  it('stays bounded whatever there is', () => {
    const nginx = Array.from({ length: 200 }, (_, n) =>
      publishedNginx({
        name: `n${n}`,
        upstreams: Array.from({ length: 20 }, () => publishedUpstream({ others })),
      }),
    );
    const value = encodeWatcher(publishedWatcher({ nginx }));
    expect(value.length).toBeLessThanOrEqual(MAX_PUBLISHED);
    expect(decodeWatcher(value)).toEqual({
      ...publishedWatcher({ nginx: [], rejected: [], limited: [] }),
      error: 'too much to publish',
    });
  });
});

describe('the status of an instance', () => {
  it('reads back, its reason cut and safe to print', () => {
    const said = { health: 'unhealthy', since: 7, key: 'absent', version: '1' };
    expect(decodeInstance(encodeInstance(said))).toEqual(said);
    const value = encodeInstance({ ...said, reason: `\u001b[2J${'x'.repeat(5_000)}` });
    expect(value.length).toBeLessThan(400);
    expect(decodeInstance(value)?.reason).toMatch(/^\\u001b\[2Jx/);
  });
});

describe('what others wrote', () => {
  it('has its defaults where a field is of another type', () => {
    const nothing = { version: '', since: 0, ready: false, nginx: [], rejected: [], limited: [], lost: [] };
    expect(decodeWatcher('{}')).toEqual(nothing);
    const wrong = {
      version: 7,
      since: '7',
      ready: 'yes',
      error: '',
      nginx: 'x',
      rejected: {},
      limited: 1,
      lost: 'x',
    };
    expect(decodeWatcher(JSON.stringify(wrong))).toEqual(nothing);
    expect(decodeInstance('{"reason":""}')).toEqual({ health: '', since: 0, key: '', version: '' });
    const nginx = {
      version: 7,
      upstreams: [1, { services: ['a', 1], others: [{ active: '1', until: '1' }] }],
    };
    expect(decodeWatcher(JSON.stringify({ nginx: [nginx] }))?.nginx).toEqual([
      {
        name: '',
        state: '',
        upstreams: [
          {
            kind: '',
            name: '',
            services: ['a'],
            inSync: false,
            servers: 0,
            others: [{ address: '', state: '' }],
            more: 0,
          },
        ],
        more: 0,
        problems: [],
        unfed: [],
      },
    ]);
  });

  it('is not read where it is longer, deeper, or has more in it than any daemon writes', () => {
    expect(decodeInstance(`{"health":"${'x'.repeat(65_536)}"}`)).toBeUndefined();
    expect(decodeInstance(`{"a":${'['.repeat(9)}${']'.repeat(9)}}`)).toBeUndefined();
    expect(decodeInstance(`{"a":[${'0,'.repeat(20_000)}0]}`)).toBeUndefined();
  });

  it('is read without an error, whatever it is', () => {
    expect(decodeInstance('nonsense')).toBeUndefined();
    expect(decodeWatcher('[]')).toBeUndefined();
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify({
          nginx: value,
          rejected: [value],
          version: value,
          since: value,
          health: value,
        });
        decodeInstance(text);
        const watcher = decodeWatcher(text);
        expect(Array.isArray(watcher?.nginx)).toBe(true);
      }),
    );
  });
});
