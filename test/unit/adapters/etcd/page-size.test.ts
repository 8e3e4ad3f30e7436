import { describe, expect, it } from 'vitest';
import { PageSize } from '../../../../src/adapters/etcd/page-size.js';
import { fc } from '../../../support/property.js';

describe('PageSize', () => {
  it('begins so small that the longest values of etcd fit one answer', () => {
    expect(new PageSize().keys * 1.5).toBeLessThanOrEqual(16);
  });

  it('grows over short values, and shrinks over long ones', () => {
    const size = new PageSize();
    for (let page = 0; page < 10; page++) size.record({ keys: size.keys, bytes: size.keys * 100, took: 5 });
    expect(size.keys).toBe(256);

    size.record({ keys: 256, bytes: 256 * 1_000_000, took: 5 });
    expect(size.keys).toBe(1);
  });

  it('asks for fewer keys on a slow line', () => {
    const size = new PageSize();
    for (let page = 0; page < 10; page++) size.record({ keys: size.keys, bytes: size.keys * 100, took: 5 });
    size.record({ keys: 256, bytes: 25_600, took: 2000 });
    expect(size.keys).toBe(64);
  });

  it('shrinks down to one key, and reports that it cannot shrink further', () => {
    const size = new PageSize();
    expect([size.shrink(), size.keys, size.shrink()]).toEqual([true, 1, false]);
  });

  it('always asks for at least one key, and never for more than four times as many as before', () => {
    const figures = fc.record({
      keys: fc.nat(300),
      bytes: fc.nat(2 ** 30),
      took: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(figures), (pages) => {
        const size = new PageSize();
        for (const page of pages) {
          const before = size.keys;
          size.record(page);
          expect(Number.isInteger(size.keys) && size.keys >= 1 && size.keys <= 4 * before).toBe(true);
        }
      }),
    );
  });
});
