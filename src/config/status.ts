import { DEFAULT_ADMIN_LISTEN, switchOption } from './common.js';
import { url } from './engine/formats.js';
import { option } from './engine/schema.js';

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
