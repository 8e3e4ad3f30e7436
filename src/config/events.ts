import { adminTokenFile, DEFAULT_ADMIN_LISTEN } from './admin-listen.js';
import { duration, url } from './engine/formats.js';
import { option, optional, switchOption } from './engine/schema.js';

/** The options of `sidekick events`. */
export const eventsScope = {
  options: {
    admin: option(
      url,
      `http://${DEFAULT_ADMIN_LISTEN}`,
      'URL of the admin endpoints of the running sidekick (its admin.listen).',
    ),
    adminTokenFile,
    follow: switchOption('Go on and print each event as it happens.'),
    since: optional(duration('1s'), 'Only the events of this last time, such as 10m.'),
    json: switchOption('Print each event as a line of JSON.'),
  },
  lists: {},
};
