import { describe, expect, it } from 'vitest';
import { createThrottle } from '../../../src/telemetry/throttle.js';
import { throttleLog } from '../../../src/telemetry/throttled-log.js';
import { recordingLog } from '../../support/silent.js';

describe('the throttle', () => {
  it('passes the same subject once in an interval, and counts the rest', () => {
    const limiter = createThrottle(1000);
    expect(limiter.judge('a', 0)).toEqual({ show: true, suppressed: 0 });
    expect(limiter.judge('a', 1)).toEqual({ show: false });
    expect(limiter.judge('a', 999)).toEqual({ show: false });
    expect(limiter.judge('b', 999)).toEqual({ show: true, suppressed: 0 });
    expect(limiter.judge('a', 1000)).toEqual({ show: true, suppressed: 2 });
    expect(limiter.judge('a', 2000)).toEqual({ show: true, suppressed: 0 });
  });

  it('passes subjects also after the clock was set back', () => {
    const limiter = createThrottle(1000);
    limiter.judge('a', 1_000_000);
    expect(limiter.judge('a', 5)).toEqual({ show: true, suppressed: 0 });
  });

  it('forgets the oldest subjects, so that a storm of them does not fill the memory', () => {
    const limiter = createThrottle(1000);
    for (let i = 0; i <= 1000; i++) limiter.judge(`subject ${i}`, 0);
    expect(limiter.judge('subject 1000', 1).show).toBe(false);
    expect(limiter.judge('subject 0', 1).show).toBe(true);
  });
});

describe('the throttled log', () => {
  it('holds back warnings about the same subject, and writes how many', () => {
    const log = recordingLog();
    let now = 0;
    const limited = throttleLog(log, () => now, 1000);
    for (let i = 0; i < 5; i++)
      limited.warn({ event: 'etcd-unavailable', reason: `try ${i}` }, 'etcd is away');
    now = 1000;
    limited.warn({ event: 'etcd-unavailable', reason: 'again' }, 'etcd is away');
    expect(log.lines.map(({ fields }) => fields)).toEqual([
      { event: 'etcd-unavailable', reason: 'try 0' },
      { event: 'etcd-unavailable', reason: 'again', suppressed: 4 },
    ]);
  });

  it('writes the same event about another address as another event', () => {
    const log = recordingLog();
    const limited = throttleLog(log, () => 0);
    for (const address of ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.1:80']) {
      limited.error({ event: 'server-failed', address }, 'NGINX did not take the change');
    }
    expect(log.lines).toHaveLength(2);
  });

  it('writes twenty lines, and a number, of the same event about a thousand keys of one service', () => {
    const log = recordingLog();
    let now = 0;
    const limited = throttleLog(log, () => now, 1000);
    const reject = (service: string, key: number) =>
      limited.warn({ event: 'registration-rejected', service, key: `${key}` }, 'registration rejected');
    for (let i = 0; i < 1000; i++) reject('firmware', i);
    reject('mqtt', 1);
    expect(log.lines).toHaveLength(21);
    now = 1000;
    reject('firmware', 1000);
    expect(log.lines.at(-1)?.fields).toMatchObject({ key: '1000', suppressed: 980 });
  });

  it('writes all info and debug lines', () => {
    const log = recordingLog();
    const limited = throttleLog(log, () => 0);
    for (let i = 0; i < 3; i++) limited.info({ event: 'server-added' }, 'server added');
    for (let i = 0; i < 3; i++) limited.debug({ event: 'pass' }, 'pass');
    expect(log.lines).toHaveLength(6);
  });
});
