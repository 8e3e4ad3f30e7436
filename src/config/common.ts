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
