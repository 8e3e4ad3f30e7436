import { describe, expect, it } from 'vitest';
import { type Cause, causeFields, causeText, revisionOf } from '../../../src/core/cause.js';

describe('a cause', () => {
  it('says who drains an instance, when and why', () => {
    const said = { by: 'root@lb1', at: '2026-01-31T12:00:00.000Z', reason: 'new disk' };
    expect(causeText({ kind: 'operator-drain', revision: 7, said })).toBe(
      'an operator drains it by root@lb1 at 2026-01-31T12:00:00.000Z: new disk',
    );
    expect(causeText({ kind: 'operator-drain', revision: 7, said: {} })).toBe('an operator drains it');
  });

  it.each<[Cause, string]>([
    [{ kind: 'registered', revision: 7 }, 'its registration was written'],
    [{ kind: 'drain-requested', revision: 7 }, 'its registration asks to drain'],
    [{ kind: 'operator-undrain', revision: 7 }, 'an operator ended its drain'],
    [{ kind: 'operator-unhold' }, 'an operator ended the hold of the guard'],
    [{ kind: 'deregistered' }, 'its key is gone after it asked to drain'],
    [{ kind: 'key-deleted' }, 'its key was deleted'],
    [{ kind: 'lease-ended' }, 'its lease expired or was revoked'],
    [{ kind: 'key-gone' }, 'its key was deleted or its lease ended'],
    [{ kind: 'not-registered' }, 'it is not registered, and the watcher has not seen it go'],
    [{ kind: 'probe-passed' }, 'the probe of the watcher succeeds again'],
    [{ kind: 'guard' }, 'the guard keeps it, as too many vanished at once'],
    [{ kind: 'guard-hold-over' }, 'the hold of the guard is over'],
    [{ kind: 'duplicate' }, 'NGINX has it more than once'],
    [{ kind: 'nginx-changed' }, 'NGINX was reloaded or restarted, or somebody else changed it'],
  ])('says of %j: %s', (cause, because) => {
    expect(causeFields(cause)).toEqual({ cause: cause.kind, because });
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
