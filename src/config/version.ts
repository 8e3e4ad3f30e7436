import { switchOption } from './engine/schema.js';

/** The options of `sidekick version`. */
export const versionScope = {
  options: { json: switchOption('Print version, commit, build date and Node.js as JSON.') },
  lists: {},
};
