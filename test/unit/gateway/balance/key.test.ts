import { expect, it } from 'vitest';
import key from '../../../../src/gateway/balance/key.js';
import ring from '../../../../src/gateway/model/ring.js';
import { sha256 } from '../support/memory.js';

const CONFIG = {
  upstreams: { mqtt: { method: 'hash', key: '$client' }, plain: { method: 'hash' } },
} as const;

it('finds the bucket that the ring was laid out by', () => {
  for (const client of ['', 'a', 'sensor-17', 'Gerät', 'x'.repeat(300)]) {
    expect(key.bucket({ client }, CONFIG, 'mqtt', 'other')).toBe(ring.bucket(client, sha256));
  }
});

it('goes by the fallback where the group names no key, and by nothing where there is no value', () => {
  expect(key.bucket({ other: 'a' }, CONFIG, 'plain', 'other')).toBe(ring.bucket('a', sha256));
  expect(key.bucket({}, CONFIG, 'mqtt', 'other')).toBe(ring.bucket('', sha256));
});
