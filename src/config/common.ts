import { DEFAULT_ADMIN_LISTEN } from './admin-listen.js';
import { listen } from './engine/core-formats.js';
import { oneOf } from './engine/formats.js';
import { option } from './engine/schema.js';

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
