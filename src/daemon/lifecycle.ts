import type { Log } from '../core/ports.js';

/** The signals that end a daemon. */
export interface Lifecycle {
  /** Aborted by the first SIGTERM or SIGINT: end gracefully. */
  readonly stop: AbortSignal;
  /** Aborted by the second one: end at once. A third has no handler, so the system ends the process. */
  readonly kill: AbortSignal;
  /** Removes the handlers. */
  dispose(): void;
}

interface LifecycleOptions {
  readonly log: Log;
  /** What a graceful end does, for the log line: `draining and deregistering`. */
  readonly ending: string;
  /** Called on SIGHUP. Left out: SIGHUP is logged and ignored. */
  readonly reload?: () => void;
  /** Where the signals come from; default the process. */
  readonly source?: Pick<NodeJS.Process, 'on' | 'off'>;
}

const END_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Turns the signals of the process into AbortSignals. A crash is logged before Node.js ends the process with 1. */
export function createLifecycle({ log, ending, reload, source = process }: LifecycleOptions): Lifecycle {
  const stop = new AbortController();
  const kill = new AbortController();

  function onEnd(signal: NodeJS.Signals): void {
    if (!stop.signal.aborted) {
      log.info(
        { event: 'daemon-stopping', signal, ending },
        'stopping; a second signal ends the process at once',
      );
      stop.abort(new Error(`stopped by ${signal}`));
      return;
    }
    log.warn({ event: 'daemon-killed', signal }, 'a second signal: the process ends at once');
    for (const name of END_SIGNALS) source.off(name, onEnd);
    kill.abort(new Error(`stopped at once by ${signal}`));
  }

  function onReload(): void {
    if (reload && !stop.signal.aborted) reload();
    else log.info({ event: 'config-reload-ignored' }, 'SIGHUP: there is nothing to reload');
  }

  /** Node.js ends the process after this, for an unhandled rejection too. */
  function onCrash(error: Error, origin: string): void {
    log.error(
      { event: 'daemon-crashed', origin, reason: error.message, stack: error.stack },
      'an unexpected error: the process ends',
    );
  }

  for (const name of END_SIGNALS) source.on(name, onEnd);
  source.on('SIGHUP', onReload);
  source.on('uncaughtExceptionMonitor', onCrash);

  return {
    stop: stop.signal,
    kill: kill.signal,
    dispose() {
      for (const name of END_SIGNALS) source.off(name, onEnd);
      source.off('SIGHUP', onReload);
      source.off('uncaughtExceptionMonitor', onCrash);
    },
  };
}
