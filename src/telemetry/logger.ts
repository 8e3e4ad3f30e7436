import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import { printable } from '../core/printable.js';
import { boundedFields } from './bounded-fields.js';

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'json' | 'pretty';
}

/** What never gets into a log, wherever it turns up in the fields. */
export const REDACTED: readonly string[] = ['password', 'token', 'authorization', 'auth'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** The standard error stream: what a command has to say goes to the standard output, and stays apart from the log. */
const STDERR = 2;

/**
 * Lines of JSON (or text for people) with `time`, `level`, `event` and the fields of the event.
 * Written synchronously, so that the last words before an end are not lost.
 * @param to For tests; default the standard error stream.
 */
export function createLogger(settings: LogSettings, to?: DestinationStream): Logger {
  const terminal = process.stderr.isTTY === true;
  const forPeople = settings.format === 'pretty' || (settings.format === 'auto' && terminal);
  return pino(
    {
      level: settings.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: boundedFields },
      hooks: {
        logMethod(args, method) {
          method.apply(
            this,
            args.map((arg) => (typeof arg === 'string' ? printable(arg) : arg)) as typeof args,
          );
        },
      },
      redact: { paths: [...REDACTED], censor: '(redacted)' },
    },
    forPeople ? prettyStream(terminal, to) : (to ?? destination({ fd: STDERR, sync: true })),
  );
}

function prettyStream(terminal: boolean, to: DestinationStream | undefined): DestinationStream {
  return pretty({
    destination: (to as NodeJS.WritableStream | undefined) ?? STDERR,
    sync: true,
    colorize: terminal && !process.env.NO_COLOR,
    translateTime: 'HH:MM:ss.l',
    singleLine: true,
    // It would give errors lines of their own.
    errorLikeObjectKeys: [],
    ignore: 'event',
  });
}
