/** Where the admin endpoints listen unless configured otherwise, and where `sidekick status --local` and `events` ask. */
export const DEFAULT_ADMIN_LISTEN = '127.0.0.1:9464';
