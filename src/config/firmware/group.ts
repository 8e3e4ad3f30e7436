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
      'File with the ids of the devices, one per line: the group then has these devices and no others. Lines that begin with # are ' +
        'ignored.',
    ),
    delete: switchOption('Delete the group.'),
    ...firmwareOptions,
  },
  lists: {},
};
