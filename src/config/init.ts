import { file } from './engine/formats.js';
import { optional, switchOption } from './engine/schema.js';

/** The options of `sidekick config init`. */
export const configInitScope = {
  options: {
    output: optional(file, 'File to write. It must not exist yet. Default the standard output.'),
    force: switchOption('Write the file even if it exists.'),
  },
  lists: {},
};
