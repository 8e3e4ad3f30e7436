import { describe, expect, it } from 'vitest';
import { FIRMWARE, shown } from '../support/page.js';

describe('firmware', () => {
  const type = { type: 'lamp', stable: '1', offered: ['1'], withheld: [], unreadable: [] };
  const candidate = { version: '2', percent: 10, groups: ['office'], phases: [1, 10, 100] };
  const COUNTED = { phases: [], sample: 1 };

  it('is who is offered what, how far a candidate is, and who paused it', () => {
    const text = shown({ firmware: FIRMWARE, 'type/lamp': { ...type, candidate, offered: ['1', '2'] } });
    expect(text).toContain('lamp Stable 1 offered Candidate 2 offered');
    expect(text).toContain('10 % of the devices and the group office (phases: 1 %, 10 %, 100 %)');
    const paused = { by: 'ada@lb1', at: '2026-01-31T12:00:00Z', reason: 'it loops' };
    const stopped = shown({ firmware: FIRMWARE, 'type/lamp': { ...type, candidate, paused } });
    expect(stopped).toMatch(/Candidate 2 not offered .*Paused by ada@lb1 at .*: it loops/);
  });

  it('says what became of the devices, what that proves, and what the next phase waits for', () => {
    const all = {
      offered: 80,
      downloaded: 70,
      booted: 58,
      failed: 2,
      lost: 0,
      inFlight: 20,
      proof: '2 of 60 failed',
    };
    const limit = { maxFailures: 5, min: 30, outcomes: 60, failures: 2 };
    const waiting = (begins: string, ...unmet: readonly object[]) =>
      shown({
        firmware: FIRMWARE,
        'type/lamp': {
          ...type,
          candidate,
          progress: { ...COUNTED, all, limit, next: { percent: 50, begins, unmet } },
        },
      });
    const text = waiting('gate', { kind: 'booted', booted: 58, after: 60 });
    expect(text).toContain('offered 80 downloaded 70 booted 58 failed 2 in flight 20 2 of 60 failed');
    expect(text).toContain('more than 5 % of at least 30 devices fail or are lost: 2 of 60 so far');
    expect(text).toContain('50 % next, when 60 devices have booted (58 so far)');
    expect(waiting('gate', { kind: 'time', until: '2026-12-01T08:00:00Z' })).toMatch(
      /50 % next, when 1 Dec, \d\d:00 has come/,
    );
    expect(waiting('gate')).toContain('50 % next, at once');
    expect(waiting('operator')).toContain('when an operator begins it');
    expect(waiting('paused')).toContain('once it is resumed');
    const running = [
      { version: '3', devices: 30 },
      { version: 'other', devices: 10 },
    ];
    const shadow = { version: '4', percent: 5, devices: 40, running };
    expect(shown({ firmware: FIRMWARE, 'type/lamp': { ...type, shadow } })).toContain(
      '4 is in shadow, offered to nobody: at 5 % it would reach 40 devices of those that have asked (30 run 3, 10 run another)',
    );
    const rejected = [{ version: '3', reason: 'no trusted key vouches for it' }];
    expect(shown({ firmware: FIRMWARE, 'type/lamp': { ...type, rejected } })).toContain(
      '3 is refused:  no trusted key',
    );
  });

  it('says what became of the devices of each phase, where there was more than one', () => {
    const all = { offered: 80, booted: 58 };
    const first = {
      percent: 1,
      at: '2026-01-31T12:00:00Z',
      offered: 20,
      booted: 18,
      proof: '18 of 18 booted',
    };
    const second = { percent: 10, at: '2026-01-31T13:00:00Z', offered: 60, booted: 40, resumed: true };
    const progress = (...phases: readonly object[]) =>
      shown({
        firmware: FIRMWARE,
        'type/lamp': { ...type, candidate, progress: { ...COUNTED, all, phases } },
      });
    expect(progress(first, second)).toMatch(
      /1 % +began 31 Jan, \d\d:00 offered 20 booted 18 18 of 18 booted 10 % +resumed 31 Jan, \d\d:00 offered 60 booted 40/,
    );
    expect(progress(first)).not.toContain('began');
  });

  it('says that only some devices are counted, and which ones are rescued', () => {
    const progress = { ...COUNTED, all: { offered: 80 }, sample: 4 };
    const rescuing = { ...candidate, rescue: ['1.3.0'] };
    const text = shown({ firmware: FIRMWARE, 'type/lamp': { ...type, candidate: rescuing, progress } });
    expect(text).toContain('One device in 4 is counted');
    expect(text).toContain('and the group office and devices that run 1.3.0');
  });

  it('says how many devices have booted by their ClientId alone', () => {
    const all = { offered: 80, downloaded: 70, booted: 58, returned: 12 };
    expect(
      shown({ firmware: FIRMWARE, 'type/lamp': { ...type, candidate, progress: { ...COUNTED, all } } }),
    ).toContain('booted 58 of these by their ClientId alone 12');
  });

  it('says which NGINX counts outcomes, and which does not', () => {
    const outcomes = [
      { nginx: 'lb1', state: 'counting', sample: 4 },
      { nginx: 'lb2', state: 'uncounted' },
      { nginx: 'lb3', state: 'idle' },
    ];
    const text = shown({ firmware: { ...FIRMWARE, outcomes } });
    expect(text).toMatch(/Outcomes:\s+lb1\s+counted, one device in 4\s+lb2\s+not counted/);
    expect(text).not.toContain('lb3');
    expect(shown({ firmware: { ...FIRMWARE, outcomes: outcomes.slice(2) } })).not.toContain('Outcomes:');
  });

  it('says on how many brokers releases are announced, and which one cannot be told', () => {
    const behind = [
      { broker: '10.0.0.1:1883', state: 'unavailable', error: 'connection refused' },
      { broker: '10.0.0.2:1883', state: 'pending' },
    ];
    const text = shown({ firmware: { ...FIRMWARE, brokers: { all: 3, inSync: 1, behind } } });
    expect(text).toMatch(/Announced on 1 of 3 brokers\s+10.0.0.1:1883\s+cannot be told: connection refused/);
    expect(text).toMatch(/10.0.0.2:1883\s+is not told yet/);
    expect(shown({ firmware: FIRMWARE })).not.toContain('Announced');
  });

  it('is not there where no firmware is offered', () => {
    expect(shown()).not.toContain('Firmware');
    expect(shown({ firmware: FIRMWARE })).toContain('No type of device is published for yet.');
  });
});
