import { adminTokenFile, DEFAULT_ADMIN_LISTEN } from './admin-listen.js';
import { url } from './engine/formats.js';
import { optional, switchOption } from './engine/schema.js';
import { etcdOptions } from './etcd.js';

/** The options of `sidekick status`. */
export const statusScope = {
  options: {
    local: switchOption('Ask one running sidekick by its admin endpoints, and not etcd.'),
    admin: optional(
      url,
      `URL of the admin endpoints (its admin.listen); implies --local. Default: http://${DEFAULT_ADMIN_LISTEN}.`,
    ),
    adminTokenFile,
    watch: switchOption('Go on, and show the status again whenever it changes.'),
    json: switchOption('Print JSON; with --local that of /status, unchanged.'),
    ...etcdOptions,
  },
  lists: {},
};
