import { file, listOf } from '../engine/formats.js';
import { option, optional, switchOption } from '../engine/schema.js';
import { firmwareOptions } from './common.js';
import { deviceId } from './formats.js';

/** The options of `sidekick firmware group`. */
export const firmwareGroupScope = {
  options: {
    add: option(listOf(deviceId), [], 'Devices to add.'),
    remove: option(listOf(deviceId), [], 'Devices to remove.'),
    file: optional(
      file,
      'File with the ids of the devices, one a line: the group then has these and no others. A line that begins with # is ignored.',
    ),
    delete: switchOption('Delete the group.'),
    ...firmwareOptions,
  },
  lists: {},
};
