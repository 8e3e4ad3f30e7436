import { beforeEach, describe, expect, it } from 'vitest';
import * as failure from '../../../../src/gateway/balance/failure.js';
import * as steps from '../../../../src/gateway/model/steps.js';
import * as group from '../../../../src/gateway/store/group.js';
import * as keyvals from '../../../../src/gateway/store/keyvals.js';
import * as state from '../../../../src/gateway/store/state.js';
import * as upkeep from '../../../../src/gateway/store/upkeep.js';
import * as upstreams from '../../../../src/gateway/store/upstreams.js';
import { FakeNginx } from '../support/memory.js';

const HOUR = 3_600_000;

describe.each([
  ['back', -HOUR],
  ['forward', HOUR],
])('a clock that is set an hour %s', (_, step) => {
  let nginx: FakeNginx;

  /** Time passes, the clock is set in the middle of it, and the upkeep does its work. */
  function pass(ms: number): void {
    nginx.pass(ms / 2);
    nginx.now += step;
    nginx.pass(ms / 2);
    upkeep.often(nginx.worker());
    steps.run(upkeep.seldom(nginx.worker()));
  }

  function peer(): group.Peer {
    return upstreams.server(nginx.worker(), 'firmware', 0);
  }

  beforeEach(() => {
    nginx = new FakeNginx({ upstreams: { firmware: {} }, keyvals: { zone: { timeout: '60s' } } });
    const slow = { max_fails: 2, fail_timeout: '10s', slow_start: '20s' };
    upstreams.add(nginx.worker(), 'firmware', { server: '10.0.0.1:80', ...slow });
    upstreams.add(nginx.worker(), 'firmware', { server: '10.0.0.2:80' });
  });

  it('makes failures neither forgotten nor remembered for longer than fail_timeout', () => {
    failure.count(nginx.counters, '1');
    pass(9_000);
    failure.count(nginx.counters, '1');
    pass(0);
    expect(group.state(peer(), nginx.clock)).toBe('unavail');
  });

  it('ends the time of an unavailable server neither early nor late', () => {
    for (let i = 0; i < 2; i++) failure.count(nginx.counters, '1');
    upkeep.often(nginx.worker());
    pass(9_000);
    expect(group.state(peer(), nginx.clock)).toBe('unavail');
    pass(1_000);
    expect(group.state(peer(), nginx.clock)).toBe('up');
    expect(peer().downtime).toBe(10_000);
  });

  it('neither ends a slow start nor holds it up', () => {
    upstreams.patch(nginx.worker(), 'firmware', 0, { down: true });
    upstreams.patch(nginx.worker(), 'firmware', 0, { down: false });
    pass(10_000);
    expect(group.warmth(peer(), nginx.clock)).toBe(10);
    pass(10_000);
    expect(peer().warming).toBeUndefined();
  });

  it('makes a key lapse neither early nor late, over a restart as well', () => {
    keyvals.add(nginx.worker(), 'zone', [{ key: 'a', value: '1' }]);
    pass(59_000);
    expect(keyvals.get(nginx.worker(), 'zone', 'a')?.value).toBe('1');
    keyvals.patch(nginx.worker(), 'zone', [{ key: 'a', value: '2', expire: 5_000 }]);
    nginx.settle();
    const later = nginx.restarted();
    later.now = nginx.now + 4_000;
    later.clock = 1;
    expect(keyvals.get(later.worker(), 'zone', 'a')?.value).toBe('2');
    later.pass(1_000);
    expect(keyvals.get(later.worker(), 'zone', 'a')).toBeUndefined();
    pass(5_000);
    expect(keyvals.get(nginx.worker(), 'zone', 'a')).toBeUndefined();
  });

  it('holds no state file up', () => {
    nginx.settle();
    upstreams.patch(nginx.worker(), 'firmware', 0, { drain: true });
    pass(10_000);
    nginx.settle();
    expect(state.isBehind(nginx.worker(), 'firmware')).toBe(false);
  });
});
