import { file } from './engine/formats.js';
import { optional } from './engine/schema.js';

/** Where the admin endpoints listen unless configured otherwise, and where `sidekick status --local` and `events` ask. */
export const DEFAULT_ADMIN_LISTEN = '127.0.0.1:9464';

/** What a command that asks a running sidekick shows it. */
export const adminTokenFile = optional(
  file,
  'File whose first line is the token of the running sidekick (its admin.tokenFile). A name without a slash is a systemd credential.',
);
