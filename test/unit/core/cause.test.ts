import { describe, expect, it } from 'vitest';
import { causeFields, causeText, revisionOf } from '../../../src/core/cause.js';

describe('a cause', () => {
  it('says who drains an instance, when and why', () => {
    const said = { by: 'root@lb1', at: '2026-01-31T12:00:00.000Z', reason: 'new disk' };
    expect(causeText({ kind: 'operator-drain', revision: 7, said })).toBe(
      'an operator drains it by root@lb1 at 2026-01-31T12:00:00.000Z: new disk',
    );
    expect(causeText({ kind: 'operator-drain', revision: 7, said: {} })).toBe('an operator drains it');
  });

  it('says why a probe failed, on one line', () => {
    expect(causeFields({ kind: 'probe-failed', error: 'connect\nECONNREFUSED' })).toEqual({
      cause: 'probe-failed',
      because: 'the probe of the watcher failed: connect ECONNREFUSED',
    });
    expect(causeText({ kind: 'probe-failed' })).toBe('the probe of the watcher failed');
  });

  it('has a revision where etcd brought it', () => {
    expect(revisionOf({ kind: 'registered', revision: 7 })).toBe(7);
    expect(revisionOf({ kind: 'duplicate' })).toBeUndefined();
  });
});
