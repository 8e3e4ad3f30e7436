import { expect, it } from 'vitest';
import { nearest } from '../../../../src/config/engine/nearest.js';

const KNOWN = ['interval', 'timeout', 'SIDEKICK_ETCD_ENDPOINTS', 'tls', 'ca', 'id'];

it.each([
  ['intervall', 'interval'],
  ['intreval', 'interval'],
  ['timout', 'timeout'],
  ['TIMEOUT', 'timeout'],
  ['SIDEKICK_ETCD_ENDPOINT', 'SIDEKICK_ETCD_ENDPOINTS'],
  ['tsl', 'tls'],
  ['CA', 'ca'],
])('the nearest word to %s is %s', (misspelt, meant) => {
  expect(nearest(misspelt, KNOWN)).toBe(meant);
});

it.each(['', 'weight', 'x'.repeat(100_000)])('no word is near to %.20s', (word) => {
  expect(nearest(word, ['interval', 'timeout'])).toBeUndefined();
});

// Regression: one edit was allowed in two letters, and the length of the other name did not count.
it.each(['ip', 'cab', 'cat', 'tlx0', 'tlsca', 'timer', 'insecure'])('no option is near to %s', (word) => {
  expect(nearest(word, KNOWN)).toBeUndefined();
});
