import { execFile } from 'node:child_process';
import { messageOf } from '../core/errors.js';
import type { Log } from '../core/ports.js';
import { oneLine } from '../core/printable.js';

/** Notifications to systemd. Calls return at once. A failure is logged once, and not retried. */
export interface SdNotify {
  ready(): void;
  /** One line for `systemctl status`; asked for only where systemd listens. */
  status(line: () => string): void;
  /** A reload begins. Before `ready` systemd is not told of it. */
  reloading(): void;
  reloaded(): void;
  stopping(): void;
  /**
   * Notifies the watchdog while `healthy` returns true, and extends the time of a start or stop in progress by twice the
   * watchdog's time. Returns a function that ends it.
   */
  watch(healthy: () => boolean): () => void;
  /** Resolves when every notification has been sent. */
  flushed(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Sends one notification; for tests. */
type Send = (assignments: readonly string[]) => Promise<void>;

const SILENT: SdNotify = {
  ready() {},
  status() {},
  reloading() {},
  reloaded() {},
  stopping() {},
  watch: () => () => {},
  flushed: () => Promise.resolve(),
};

/**
 * Speaks sd_notify(3) where `NOTIFY_SOCKET` is set, and is silent otherwise.
 *
 * Node.js has no datagram sockets in the Unix domain, so each notification is a run of systemd-notify(1): about 5 ms of
 * another process three times in the watchdog's time. The unit needs `NotifyAccess=all` where it does not run as root, since
 * it is not the main process that sends.
 */
export function createSdNotify(env: Environment, log: Log, send: Send = runSystemdNotify): SdNotify {
  if (!env.NOTIFY_SOCKET) return SILENT;
  let last = Promise.resolve();
  let lastStatus = '';
  let broken = false;
  let started = false;

  /** Sends one notification at a time, in order. */
  function tell(...assignments: readonly string[]): Promise<void> {
    last = last.then(async () => {
      try {
        await send(assignments);
        broken = false;
      } catch (error) {
        if (!broken)
          log.warn(
            { event: 'notification-failed', reason: messageOf(error) },
            'a notification to systemd failed',
          );
        broken = true;
      }
    });
    return last;
  }

  return {
    ready() {
      started = true;
      void tell('READY=1');
    },
    status(line) {
      const text = line();
      if (text === lastStatus) return;
      lastStatus = text;
      void tell(`STATUS=${oneLine(text)}`);
    },
    // systemd needs the time at which the reload began, by the clock that hrtime reads. Source: sd_notify(3).
    reloading() {
      if (started) void tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    },
    reloaded() {
      if (started) void tell('READY=1');
    },
    stopping() {
      void tell('STOPPING=1');
    },
    watch(healthy) {
      const interval = watchdogInterval(env);
      if (interval === undefined) return () => {};
      // A start may wait for a service or etcd, and a stop for a drain, longer than a limit in a unit can tell.
      const extension = `EXTEND_TIMEOUT_USEC=${Math.round(6 * interval * 1000)}`;
      // On a busy host the last notification may not have been sent yet: another one would only wait behind it.
      let pending = false;
      const timer = setInterval(() => {
        if (pending || !healthy()) return;
        pending = true;
        void tell('WATCHDOG=1', extension).then(() => {
          pending = false;
        });
      }, interval);
      timer.unref();
      return () => clearInterval(timer);
    },
    flushed: () => last,
  };
}

/**
 * A third of the watchdog's time, in ms, so that one notification may be late; undefined if the watchdog does not watch this
 * process. Source: sd_watchdog_enabled(3).
 */
export function watchdogInterval(env: Environment): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC);
  if (!(microseconds > 0)) return undefined;
  if (env.WATCHDOG_PID && Number(env.WATCHDOG_PID) !== process.pid) return undefined;
  return microseconds / 3000;
}

function runSystemdNotify(assignments: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile('systemd-notify', assignments, { timeout: 5000 }, (error, _out, said) => {
      if (error) reject(new Error(said.trim() || error.message));
      else resolve();
    });
  });
}
