import { duration, string, url } from '../format.js';
import { option, optional } from '../schema.js';
import { etcdOptions, switchOption } from './common.js';

const admin = option(url, 'http://127.0.0.1:9464', "Where the sidekick's admin endpoints answer.");

/** The options of `sidekick drain`. */
export const drainScope = {
  options: {
    wait: switchOption('Wait until every watcher has taken the instance out, and say how far they are.'),
    timeout: option(
      duration('1s'),
      '10m',
      'How long --wait waits. The request stands also when the time is over.',
    ),
    reason: optional(
      string,
      'Why, for those who look at the status; at most 200 characters of it are shown.',
    ),
    force: switchOption('Ask also where the instance is not registered: it is drained when it registers.'),
    ...etcdOptions,
  },
  lists: {},
};

/** The options of `sidekick undrain`. */
export const undrainScope = { options: etcdOptions, lists: {} };

/** The options of `sidekick unhold`. */
export const unholdScope = { options: etcdOptions, lists: {} };

/** The options of `sidekick status`. */
export const statusScope = {
  options: { admin, json: switchOption('Print the JSON of /status as it is.') },
  lists: {},
};
