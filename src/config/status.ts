import { url } from './engine/formats.js';
import { option, switchOption } from './engine/schema.js';

/** Where the admin endpoints listen unless configured otherwise, and where `sidekick status` asks. */
export const DEFAULT_ADMIN_LISTEN = '127.0.0.1:9464';

/** The options of `sidekick status`. */
export const statusScope = {
  options: {
    admin: option(
      url,
      `http://${DEFAULT_ADMIN_LISTEN}`,
      'URL of the admin endpoints of the running sidekick (its admin.listen).',
    ),
    json: switchOption('Print the JSON of /status unchanged.'),
  },
  lists: {},
};
