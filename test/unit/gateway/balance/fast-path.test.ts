import { beforeEach, describe, expect, it } from 'vitest';
import * as fastPath from '../../../../src/gateway/balance/fast-path.js';
import type { Variables } from '../../../../src/gateway/balance/shared-memory.js';
import * as tableFormat from '../../../../src/gateway/balance/table-format.js';
import * as hash from '../../../../src/gateway/model/consistent-hash.js';
import { FakeDict, sha256 } from '../support/memory.js';

let counters: FakeDict<number>;

beforeEach(() => {
  counters = new FakeDict<number>();
});

/** Counts a request out that was counted in on server 7 by worker 100. */
function release(variables: Variables): boolean {
  counters.incr('7/100', tableFormat.REQUEST_UNIT);
  return fastPath.release(counters, variables, '7', '7/100');
}

describe('the end of a request on the fast path', () => {
  it('leaves the request counted, and nothing active', () => {
    release({});
    expect([...counters.entries]).toEqual([['7/100', tableFormat.ACTIVE_LIMIT]]);
  });

  it('has the first request timed, and every sixteenth after it', () => {
    const timed = Array.from({ length: 40 }, () => release({}));
    expect(timed.flatMap((yes, i) => (yes ? [i] : []))).toEqual([0, 16, 32]);
  });

  it('has one in sixteen timed while many are open at once', () => {
    for (let i = 0; i < 800; i++) counters.incr('7/100', tableFormat.REQUEST_UNIT);
    let timed = 0;
    for (let i = 0; i < 800; i++) {
      counters.incr('7/100', tableFormat.REQUEST_UNIT);
      if (fastPath.release(counters, {}, '7', '7/100')) timed++;
    }
    expect(timed).toBe(50);
  });

  it('adds up the bytes to and from the server', () => {
    release({ upstream_bytes_sent: '300', upstream_bytes_received: '20' });
    release({ upstream_bytes_sent: '1', upstream_bytes_received: '0' });
    expect([counters.get('7/sent'), counters.get('7/received')]).toEqual([301, 20]);
  });

  it.each(['100, 42', '100 : 42', '-, 42', '0 : 100, 42'])(
    'uses of %s the last, which is of this server',
    (list) => {
      release({ upstream_bytes_sent: list });
      expect(counters.get('7/sent')).toBe(42);
    },
  );

  it.each([undefined, '', '-', '100, -'])('counts no bytes where there were none: %s', (none) => {
    release({ upstream_bytes_sent: none, upstream_bytes_received: none });
    expect([...counters.entries.keys()]).toEqual(['7/100']);
  });
});

it.each(['', 'a', 'sensor-17', 'Gerät', 'x'.repeat(300)])(
  'the fast path finds the bucket of "%s" on the flattened circle',
  (key) => {
    const [a = 0, b = 0] = sha256(key);
    expect(fastPath.bucket(key)).toBe(Math.floor(((a * 256 + b) / 65536) * hash.BUCKETS));
  },
);
