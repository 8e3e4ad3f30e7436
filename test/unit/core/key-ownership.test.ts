import { describe, expect, it } from 'vitest';
import { decideOwnership } from '../../../src/core/key-ownership.js';
import type { KeyValue } from '../../../src/core/ports.js';

const leases = { current: '7', former: new Set(['5', '6']) };

function entry(fields: Partial<KeyValue>): KeyValue {
  return { key: 'k', value: 'ours', revision: 10, ...fields };
}

describe('judgeClaim', () => {
  it.each([
    ['absent, never written', undefined, undefined, 'write'],
    ['absent, written', undefined, 9, 'write'],
    ['ours as wanted', entry({ lease: '7' }), 10, 'held'],
    ['ours as wanted, though the answer to our write was lost', entry({ lease: '7' }), undefined, 'held'],
    ['ours with another value', entry({ lease: '7', value: 'theirs' }), 9, 'write'],
    ['under a lease we lost', entry({ lease: '5' }), 8, 'write'],
    ['under no lease', entry({}), 9, 'write'],
    ['another process before us', entry({ lease: '99' }), undefined, 'write'],
    ['another process after our write', entry({ lease: '99' }), 9, 'yield'],
    ['another process, in an etcd set back to before our write', entry({ lease: '99' }), 11, 'write'],
  ] as const)('decides: %s', (_name, found, written, decision) => {
    expect(decideOwnership({ value: 'ours', written }, found, leases)).toBe(decision);
  });
});
