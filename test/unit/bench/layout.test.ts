import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES, parseInstance, registrationKey } from '../../../src/core/keys.js';
import { type Instance, instanceOf, instancesOf, keyOf, nameOf, servicesOf } from '../../bench/lab/layout.js';

const LAYOUT = { groups: 20, servers: 10_000 };

describe('a layout', () => {
  const instances = instancesOf(LAYOUT);

  it('has as many instances as servers, each with an address of its own', () => {
    expect(new Set(instances.map(({ address }) => address)).size).toBe(10_000);
  });

  it('spreads the instances evenly', () => {
    const sizes = servicesOf(LAYOUT).map(
      (name) => instances.filter(({ service }) => service === name).length,
    );
    expect(sizes).toEqual(Array.from({ length: 20 }, () => 500));
  });

  it.each([0, 255, 256, 65_535, 65_536, 100_000])('gives instance %d a key that sidekick reads', (nth) => {
    const instance = instanceOf(LAYOUT, nth);
    const parsed = parseInstance(DEFAULT_KEY_PREFIXES.services, keyOf(instance));
    expect(parsed).toEqual({ ok: true, value: instance });
    expect(registrationKey(DEFAULT_KEY_PREFIXES, instance as Instance & { address: never })).toBe(
      keyOf(instance),
    );
  });

  it.each([
    [{ groups: 1, servers: 10 }, '10 servers in one group'],
    [LAYOUT, '10,000 servers in 20 groups'],
  ])('is named after its size', (layout, name) => expect(nameOf(layout)).toBe(name));
});
