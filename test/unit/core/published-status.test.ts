import { describe, expect, it } from 'vitest';
import {
  decodeInstance,
  decodeWatcher,
  encodeInstance,
  encodeWatcher,
  MAX_PUBLISHED,
} from '../../../src/core/published-status.js';
import { publishedNginx, publishedUpstream, publishedWatcher } from '../../support/fleet.js';
import { fc } from '../../support/property.js';

const others = Array.from({ length: 50 }, (_, n) => ({
  address: `10.0.0.${n}:80`,
  state: 'down',
  reason: 'x'.repeat(150),
}));

describe('the status of a watcher', () => {
  it('reads back', () => {
    const watcher = publishedWatcher({ error: 'no space', rejected: [{ key: 'k', reason: 'r' }] });
    expect(decodeWatcher(encodeWatcher(watcher))).toEqual(watcher);
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
    expect(decodeWatcher(value)).toMatchObject({ error: 'too much to publish' });
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
