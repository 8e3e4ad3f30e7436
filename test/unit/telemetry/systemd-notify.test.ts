import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { createSdNotify, watchdogInterval } from '../../../src/telemetry/systemd-notify.js';
import { recordingLog } from '../../support/silent.js';

const ENV = { NOTIFY_SOCKET: '/run/systemd/notify' };

function notifyWith(env: Record<string, string> = ENV) {
  const told: string[] = [];
  const log = recordingLog();
  const sdNotify = createSdNotify(env, log, (assignments) => {
    told.push(assignments.join(' '));
    return Promise.resolve();
  });
  return { sdNotify, told, log };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

it('the notifications come in order, and a status only when it changes', async () => {
  const { sdNotify, told } = notifyWith();
  sdNotify.status(() => 'waiting\nfor etcd');
  sdNotify.status(() => 'waiting\nfor etcd');
  sdNotify.ready();
  sdNotify.reloading();
  sdNotify.reloaded();
  sdNotify.stopping();
  await sdNotify.flushed();
  expect(told).toEqual([
    'STATUS=waiting for etcd',
    'READY=1',
    expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+$/),
    'READY=1',
    'STOPPING=1',
  ]);
});

it('a reload before the daemon is ready does not make it ready', async () => {
  const { sdNotify, told } = notifyWith();
  sdNotify.reloading();
  sdNotify.reloaded();
  await sdNotify.flushed();
  expect(told).toEqual([]);
});

it('the daemon is silent where systemd does not listen', async () => {
  const { sdNotify, told } = notifyWith({});
  sdNotify.ready();
  sdNotify.watch(() => true)();
  await sdNotify.flushed();
  expect(told).toEqual([]);
});

it('a watchdog notification that takes too long is not repeated before it ends', async () => {
  vi.useFakeTimers();
  const told: string[] = [];
  let done: () => void = () => undefined;
  const sdNotify = createSdNotify({ ...ENV, WATCHDOG_USEC: '3000000' }, recordingLog(), (assignments) => {
    told.push(assignments.join(' '));
    return new Promise((resolve) => {
      done = resolve;
    });
  });
  const end = sdNotify.watch(() => true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toHaveLength(1);
  done();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toHaveLength(2);
  end();
});

it('the watchdog is notified three times in its interval, and only while all is well', async () => {
  vi.useFakeTimers();
  const { sdNotify, told } = notifyWith({ ...ENV, WATCHDOG_USEC: '9000000' });
  let healthy = true;
  const end = sdNotify.watch(() => healthy);
  await vi.advanceTimersByTimeAsync(9_000);
  // With each sign of life a start or stop under way gets twice the watchdog's time more.
  const sign = 'WATCHDOG=1 EXTEND_TIMEOUT_USEC=18000000';
  expect(told).toEqual([sign, sign, sign]);
  healthy = false;
  await vi.advanceTimersByTimeAsync(18_000);
  expect(told).toHaveLength(3);
  healthy = true;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(told).toHaveLength(4);
  end();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told).toHaveLength(4);
});

it.each([
  [{}, undefined],
  [{ WATCHDOG_USEC: '30000000' }, 10_000],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) }, 10_000],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' }, undefined],
  [{ WATCHDOG_USEC: 'x' }, undefined],
])('the interval is %j', (env, expected) => {
  expect(watchdogInterval(env)).toBe(expected);
});

it('a failed notification is logged once, and nothing else happens', async () => {
  const log = recordingLog();
  const sdNotify = createSdNotify(ENV, log, () => Promise.reject(new Error('spawn systemd-notify ENOENT')));
  sdNotify.ready();
  sdNotify.stopping();
  await sdNotify.flushed();
  expect(log.events('notification-failed')).toHaveLength(1);
});

it('the program systemd-notify runs with the notification', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sidekick-test-'));
  const heard = join(directory, 'heard');
  writeFileSync(join(directory, 'systemd-notify'), `#!/bin/sh\nprintf '%s\\n' "$@" >> ${heard}\n`);
  chmodSync(join(directory, 'systemd-notify'), 0o755);
  vi.stubEnv('PATH', `${directory}:${process.env.PATH}`);
  const log = recordingLog();
  const sdNotify = createSdNotify(ENV, log);
  sdNotify.status(() => '1 of 1 service registered');
  sdNotify.ready();
  await sdNotify.flushed();
  expect(log.lines).toEqual([]);
  expect(readFileSync(heard, 'utf8')).toBe('STATUS=1 of 1 service registered\nREADY=1\n');
  rmSync(directory, { recursive: true });
});
