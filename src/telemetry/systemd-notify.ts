import { execFile } from 'node:child_process';
import { messageOf } from '../core/errors.js';
import type { Log } from '../core/ports.js';
import { oneLine } from '../core/printable.js';

/** What systemd is told. Calls return at once; what cannot be told is logged once and forgotten. */
export interface SystemdNotifier {
  ready(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** A reload begins; nothing is said of it before `ready`. */
  reloading(): void;
  reloaded(): void;
  stopping(): void;
  /**
   * Tells the watchdog that all is well, for as long as `healthy` says so, and that a start or stop that is under way may
   * take twice the watchdog's time more. Returns what ends it.
   */
  watch(healthy: () => boolean): () => void;
  /** Resolves when everything has been told. */
  flushed(): Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Sends one notification; for tests. */
export type Send = (assignments: readonly string[]) => Promise<void>;

const SILENT: SystemdNotifier = {
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
export function createSystemdNotifier(
  env: Environment,
  log: Log,
  send: Send = runSystemdNotify,
): SystemdNotifier {
  if (!env.NOTIFY_SOCKET) return SILENT;
  let last = Promise.resolve();
  let lastStatus = '';
  let broken = false;
  let started = false;

  /** One at a time, in order. */
  function tell(...assignments: readonly string[]): Promise<void> {
    last = last.then(async () => {
      try {
        await send(assignments);
        broken = false;
      } catch (error) {
        if (!broken)
          log.warn({ event: 'notification-failed', reason: messageOf(error) }, 'systemd cannot be told');
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
    status(text) {
      if (text === lastStatus) return;
      lastStatus = text;
      void tell(`STATUS=${oneLine(text)}`);
    },
    // systemd wants to know when the reload began, by the clock that hrtime reads too. Source: sd_notify(3).
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
      // A start may wait for a backend or etcd, and a stop for a drain, longer than any limit in a unit could know.
      const extension = `EXTEND_TIMEOUT_USEC=${Math.round(6 * interval * 1000)}`;
      // On a host so busy that the one before is not told yet, another one would only be one more to wait for.
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
 * A third of what the watchdog allows, in ms, so that one sign of life may be late; undefined where this process is not
 * watched. Source: sd_watchdog_enabled(3).
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
