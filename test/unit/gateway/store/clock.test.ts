/** No interval depends on the clock that can be set: in all of src/gateway/store. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as failedTries from '../../../../src/gateway/balance/failed-tries.js';
import * as steps from '../../../../src/gateway/model/steps.js';
import * as group from '../../../../src/gateway/store/group.js';
import * as groupState from '../../../../src/gateway/store/group-state.js';
import * as keyvalChanges from '../../../../src/gateway/store/keyval-changes.js';
import * as maintenance from '../../../../src/gateway/store/maintenance.js';
import * as servers from '../../../../src/gateway/store/servers.js';
import { FakeNginx } from '../support/memory.js';

const HOUR = 3_600_000;

describe.each([
  ['back', -HOUR],
  ['forward', HOUR],
])('a clock that is set an hour %s', (_, step) => {
  let nginx: FakeNginx;

  /** Time passes, the clock is set in the middle of it, and the maintenance tasks run. */
  function pass(ms: number): void {
    nginx.pass(ms / 2);
    nginx.now += step;
    nginx.pass(ms / 2);
    maintenance.quickTasks(nginx.worker());
    steps.run(maintenance.checkServers(nginx.worker()));
  }

  function peer(): group.Peer {
    return servers.getServer(nginx.worker(), 'firmware', 0);
  }

  beforeEach(() => {
    nginx = new FakeNginx({ upstreams: { firmware: {} }, keyvals: { zone: { timeout: '60s' } } });
    const slow = { max_fails: 2, fail_timeout: '10s', slow_start: '20s' };
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.1:80', ...slow });
    servers.addServer(nginx.worker(), 'firmware', { server: '10.0.0.2:80' });
  });

  it('lets failures count for neither less nor more than fail_timeout', () => {
    failedTries.countFailure(nginx.counters, '1');
    pass(9_000);
    failedTries.countFailure(nginx.counters, '1');
    pass(0);
    expect(group.state(peer(), nginx.clock)).toBe('unavail');
  });

  it('ends the time of an unavailable server neither early nor late', () => {
    for (let i = 0; i < 2; i++) failedTries.countFailure(nginx.counters, '1');
    maintenance.quickTasks(nginx.worker());
    pass(9_000);
    expect(group.state(peer(), nginx.clock)).toBe('unavail');
    pass(1_000);
    expect(group.state(peer(), nginx.clock)).toBe('up');
    expect(peer().downtime).toBe(10_000);
  });

  it('neither ends a slow start nor delays it', () => {
    servers.patchServer(nginx.worker(), 'firmware', 0, { down: true });
    servers.patchServer(nginx.worker(), 'firmware', 0, { down: false });
    pass(10_000);
    expect(group.slowStartShare(peer(), nginx.clock)).toBe(10);
    pass(10_000);
    expect(peer().slowStartSince).toBeUndefined();
  });

  it('lets a key expire neither early nor late, over a restart as well', () => {
    keyvalChanges.add(nginx.worker(), 'zone', [{ key: 'a', value: '1' }]);
    pass(59_000);
    expect(keyvalChanges.get(nginx.worker(), 'zone', 'a')?.value).toBe('1');
    keyvalChanges.patch(nginx.worker(), 'zone', [{ key: 'a', value: '2', expire: 5_000 }]);
    nginx.settle();
    const later = nginx.restarted();
    later.now = nginx.now + 4_000;
    later.clock = 1;
    expect(keyvalChanges.get(later.worker(), 'zone', 'a')?.value).toBe('2');
    later.pass(1_000);
    expect(keyvalChanges.get(later.worker(), 'zone', 'a')).toBeUndefined();
    pass(5_000);
    expect(keyvalChanges.get(nginx.worker(), 'zone', 'a')).toBeUndefined();
  });

  it('delays no state file', () => {
    nginx.settle();
    servers.patchServer(nginx.worker(), 'firmware', 0, { drain: true });
    pass(10_000);
    nginx.settle();
    expect(groupState.nextWrite(nginx.worker())).toBeUndefined();
  });
});
