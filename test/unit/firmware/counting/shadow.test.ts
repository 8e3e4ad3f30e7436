import { describe, expect, it } from 'vitest';
import * as memories from '../../../../src/firmware/shared/memory.js';
import * as report from '../../../../src/firmware/shared/outcome-report.js';
import * as shadows from '../../../../src/firmware/shared/shadow.js';
import { bucket } from '../../../support/firmware-cohorts.js';
import { Edge } from '../support/edge.js';

const SALT = 'next';

function shadowed(buckets = 10_000, candidate = {}): Edge {
  const shadow = { version: '2.0.0', buckets, salt: SALT };
  return new Edge().offer({ count: false, shadow }, { candidate: undefined, ...candidate });
}

describe('a shadow', () => {
  it('counts each device once that it would reach, by what the device runs, and offers nobody anything', () => {
    const edge = shadowed(5000);
    let reached = 0;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 100; i++) {
        const id = `d${i}`;
        if (round === 0 && bucket(SALT, id) < 5000) reached++;
        expect(edge.ask(`id=${id}&version=0.${i % 2}`).body).not.toContain('2.0.0');
      }
      edge.pass(10);
    }
    const counts = edge.report().shadow.lamp?.['2.0.0'] ?? {};
    expect(Object.keys(counts).toSorted()).toEqual(['0.0.0', '0.1.0']);
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(reached);
  });

  it('leaves out devices that run it, and those without an id; and counts those that do not say what they run', () => {
    const edge = shadowed();
    edge.ask('id=one&version=2.0.0');
    edge.ask('version=1.0.0');
    expect(edge.report().shadow).toEqual({});
    edge.ask('id=two');
    edge.ask('id=three&version=3f2a91c');
    expect(edge.report().shadow).toEqual({ lamp: { '2.0.0': { unknown: 1, other: 1 } } });
  });

  it('tells twenty versions apart, whatever devices say', () => {
    const edge = shadowed();
    for (let i = 0; i < 50; i++) edge.ask(`id=d${i}&version=0.0.${i}`);
    for (let i = 0; i < 50; i++) edge.ask(`id=e${i}&version=0.0.${i}`);
    const counts = edge.report().shadow.lamp?.['2.0.0'] ?? {};
    expect(Object.keys(counts)).toHaveLength(21);
    expect(counts).toMatchObject({ '0.0.0': 2, '0.0.19': 2, other: 60 });
  });

  it('counts again what another release would reach', () => {
    const edge = shadowed();
    edge.ask('id=one&version=1.0.0');
    edge.offer({ count: false, shadow: { version: '3.0.0', buckets: 10_000, salt: SALT } });
    edge.ask('id=one&version=1.0.0');
    expect(edge.report().shadow).toEqual({ lamp: { '2.0.0': { '1.0.0': 1 }, '3.0.0': { '1.0.0': 1 } } });
  });

  it('forgets its devices when it is over, beside devices in flight', () => {
    const edge = new Edge().offer({ shadow: { version: '2.0.0', buckets: 10_000, salt: SALT } });
    edge.ask('id=one&version=1.0.0');
    expect(edge.report()).toMatchObject({ flights: 2, counts: { lamp: { '1.1.0': { offered: 1 } } } });
    shadows.setPresent(edge.memory, 'lamp', '2.0.0');
    edge.pass(1);
    expect(edge.report().flights).toBe(2);
    shadows.setPresent(edge.memory, 'lamp', '');
    edge.pass(1);
    expect(edge.report().flights).toBe(1);
  });
});

describe('the report', () => {
  it('has the same name in all of one life', () => {
    const edge = new Edge().offer();
    report.nameEpoch(edge.memory, '0123456789abcdef');
    report.nameEpoch(edge.memory, 'fedcba9876543210');
    expect(edge.report()).toEqual({
      ...{ epoch: '0123456789abcdef', sample: 1, flights: 0, downloads: 0, counts: {}, shadow: {} },
    });
  });

  it('has all eight numbers of a version, and takes types by any name', () => {
    const edge = new Edge().offer();
    edge.zone.set('constructor', edge.zone.get('lamp') as string);
    edge.zone.set('__proto__', edge.zone.get('lamp') as string);
    edge.ask('id=one&version=1.0.0');
    for (const type of ['constructor', '__proto__']) edge.ask('id=one&version=1.0.0', `/ota/${type}/version`);
    expect(edge.report().counts.lamp?.['1.1.0']).toEqual({
      ...{ offered: 1, downloaded: 0, booted: 0, failed: 0, recovered: 0, lost: 0, found: 0, unknown: 0 },
    });
  });

  it('forgets versions an hour after they are of no use, and none that is used', () => {
    const edge = new Edge().offer();
    edge.ask('id=one&version=1.0.0');
    expect(report.types(edge.memory)).toEqual(['lamp']);
    report.forgetUnused(edge.memory, 'lamp', ['1.0.0']);
    edge.pass(3599);
    report.forgetUnused(edge.memory, 'lamp', ['1.0.0']);
    report.forgetUnused(edge.memory, 'kettle', []);
    expect(edge.counted()).toEqual({ offered: 1 });
    report.forgetUnused(edge.memory, 'lamp', ['1.1.0']);
    edge.pass(2);
    report.forgetUnused(edge.memory, 'lamp', ['1.0.0']);
    edge.pass(3601);
    report.forgetUnused(edge.memory, 'lamp', ['1.0.0']);
    expect(edge.report().counts).toEqual({});
    expect([...edge.counts.entries.keys()].filter((key) => key.includes('lamp'))).toEqual([]);
    expect(memories.timeOf(edge.memory)).toBeGreaterThan(7000);
  });
});
