import { describe, expect, it } from 'vitest';
import * as memories from '../../../../src/firmware/shared/memory.js';
import { nameEpoch } from '../../../../src/firmware/shared/outcome-report.js';
import { fc } from '../../../support/property.js';
import { downloaded, Edge, NEW, OLD } from '../support/edge.js';

describe('an NGINX that was restarted', () => {
  it('offers a candidate that is counted to nobody until it remembers who was in flight', () => {
    const edge = downloaded();
    edge.counts.delete(memories.NOW);
    expect(edge.ask('id=two&version=1.0.0').body).toContain('"version":"1.0.0"');
    expect(edge.ask('id=two&version=1.0.0').body).not.toContain('device=');
  });

  it('goes on where it was, without counting anything again', () => {
    const edge = downloaded().restarted();
    edge.ask('id=two&version=1.0.0');
    edge.ask(NEW);
    expect(edge.counted()).toEqual({ offered: 2, downloaded: 1, booted: 1 });
  });

  // A release that 1,000 devices took was counted as offered to 998 and downloaded by 1,002 of them.
  it('counts what it had counted, in the same epoch, though it was killed before it wrote its file', () => {
    const edge = new Edge().offer().save();
    nameEpoch(edge.memory, '0123456789abcdef');
    edge.ask(OLD);
    edge.download('one');
    const next = edge.restarted();
    nameEpoch(next.memory, 'fedcba9876543210');
    expect(next.report()).toEqual(edge.report());
    next.ask(OLD);
    next.ask(NEW);
    expect(next.restarted().counted()).toEqual({
      offered: 1,
      downloaded: 1,
      booted: 1,
      failed: 1,
      recovered: 1,
    });
  });

  it('was killed before it ever wrote its file', () => {
    const edge = downloaded().restarted();
    edge.ask(NEW);
    expect(edge.counted()).toEqual({ offered: 1, downloaded: 1, booted: 1 });
  });

  it('has what happened while its file was written', () => {
    const edge = new Edge().offer();
    for (const id of ['one', 'two', 'three']) edge.ask(`id=${id}&version=1.0.0`);
    edge.save(() => {
      edge.ask('id=one&version=1.1.0');
      edge.download('two');
      edge.download('three');
      edge.ask('id=four&version=1.0.0');
    });
    const next = edge.restarted();
    expect(next.report()).toEqual(edge.report());
    next.ask('id=three&version=1.1.0');
    expect(next.counted()).toEqual({ offered: 4, downloaded: 3, booted: 2 });
  });

  it('does not count the time that it was away as silence', () => {
    const edge = downloaded();
    edge.pass(250);
    const next = edge.save().restarted();
    next.pass(40);
    expect(next.counted()).toEqual({ offered: 1, downloaded: 1 });
    next.pass(20);
    expect(next.counted()).toEqual({ offered: 1, downloaded: 1, lost: 1 });
  });

  it('reads what it can of a file that anybody may have written', () => {
    const edge = downloaded();
    const saved = edge.save().disk;
    const line = saved.split('\n')[1] as string;
    const bad = [
      'x',
      'lamp/one',
      `lamp/O NE ${line.substring(9)}`,
      line.replace('lamp/one', 'lamp/../etc'),
      line.replace('downloaded', 'booted'),
      line.replace(/ 0 0 0 100$/, ' 999999 0 0 100'),
      ' queue 1 lamp/one',
    ];
    const next = new Edge(`${saved}${bad.join('\n')}\n${line.replace('lamp/one', 'lamp/two')}\n`);
    expect(next.report().flights).toBe(2);
    expect(new Edge('nonsense\nlamp/one x').report().flights).toBe(0);
    fc.assert(
      fc.property(fc.string(), fc.string(), (first, second) => {
        expect(() => new Edge(`${first}\n${second}`)).not.toThrow();
        expect(() => new Edge(`flights 1 5 1\n${first}\n${second}`)).not.toThrow();
      }),
    );
  });
});
