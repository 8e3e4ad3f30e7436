import { createRequire } from 'node:module';
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type Pretty from 'pino-pretty';
import { printable } from '../core/printable.js';
import { boundedFields } from './bounded-fields.js';

const require = createRequire(import.meta.url);

export interface LogSettings {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'json' | 'pretty';
}

/** The file descriptor of the standard error stream. The result of a command goes to the standard output, apart from the log. */
const STDERR = 2;

/**
 * Logs lines of JSON, or of text for people, with `time`, `level`, `event` and the fields of the event.
 * The lines are written by another thread, so that a program that reads them slowly does not hold up this one; the last of
 * them before the end of the process.
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
    },
    forPeople ? prettyStream(terminal, to) : (to ?? linesTo(STDERR)),
  );
}

/** Lines waiting to be written, in bytes, beyond which further ones are dropped. */
const MAX_WAITING = 4 * 2 ** 20;

/** Writes to a file descriptor without waiting for its reader. When the process ends, pino writes what is left. */
function linesTo(fd: number): DestinationStream {
  return destination({ fd, sync: false, minLength: 0, maxLength: MAX_WAITING });
}

/** The package is loaded only here, because daemons usually log JSON. */
function prettyStream(terminal: boolean, to: DestinationStream | undefined): DestinationStream {
  const pretty = require('pino-pretty') as typeof Pretty;
  return pretty({
    destination: (to as NodeJS.WritableStream | undefined) ?? STDERR,
    sync: true,
    colorize: terminal && !process.env.NO_COLOR,
    translateTime: 'HH:MM:ss.l',
    singleLine: true,
    // Otherwise errors get lines of their own.
    errorLikeObjectKeys: [],
    ignore: 'event',
  });
}
