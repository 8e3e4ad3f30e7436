import { duration, string } from './engine/formats.js';
import { option, optional, runSwitch, switchOption } from './engine/schema.js';
import { etcdOptions } from './etcd.js';

const resultOptions = { json: runSwitch('Print the result as JSON.') };

/** The options of `sidekick drain`. */
export const drainScope = {
  options: {
    wait: switchOption('Wait until every watcher has drained and removed the instance, and print progress.'),
    timeout: option(duration('1s'), '10m', 'How long --wait waits. The drain goes on after that.'),
    reason: optional(string, 'Why. `sidekick status` shows up to 200 characters of it.'),
    force: switchOption(
      'Also drain an instance that is not registered: it is drained as soon as it registers.',
    ),
    ...resultOptions,
    ...etcdOptions,
  },
  lists: {},
};

/** The options of `sidekick undrain`. */
export const undrainScope = { options: { ...resultOptions, ...etcdOptions }, lists: {} };

/** The options of `sidekick unhold`. */
export const unholdScope = { options: { ...resultOptions, ...etcdOptions }, lists: {} };
