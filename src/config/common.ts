import { boolean, listen, oneOf } from './engine/formats.js';
import { option } from './engine/schema.js';

/** Where the admin endpoints listen unless configured otherwise, and where `sidekick status` asks. */
export const DEFAULT_ADMIN_LISTEN = '127.0.0.1:9464';

export const logOptions = {
  log: {
    level: option(
      oneOf('debug', 'info', 'warn', 'error'),
      'info',
      'Lowest level of the events that are logged.',
    ),
    format: option(
      oneOf('auto', 'json', 'pretty'),
      'auto',
      'json: one JSON object per line. pretty: text for people. auto: pretty on a terminal, otherwise json.',
    ),
  },
};

export const adminOptions = {
  admin: {
    listen: option(
      listen,
      DEFAULT_ADMIN_LISTEN,
      'Address on which /healthz, /readyz, /metrics and /status are served. They have no access control: keep them on loopback.',
    ),
  },
};

/** A switch that is off by default. */
export function switchOption(doc: string) {
  return option(boolean, false, doc);
}
