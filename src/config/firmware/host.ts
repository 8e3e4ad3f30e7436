import { DEFAULT_PARALLEL, DEFAULT_RESERVE } from '../../daemon/firmware/options.js';
import { file, integer } from '../engine/formats.js';
import { option, optional } from '../engine/schema.js';
import { firmwareService, releaseKeysOption } from './common.js';
import { region } from './formats.js';

/** How `sidekick register` keeps the files of a firmware server on its host. */
export const firmwareHostOptions = {
  directory: optional(
    file,
    'Directory of the firmware files that the server on this host serves as /blobs/. Missing files are fetched from the ' +
      'other firmware servers, and the server is registered only while it has every file that may be offered.',
  ),
  service: firmwareService,
  region: optional(
    region,
    'Region of this host, such as eu: the server then holds no releases of other regions (lamp-v2@us), and is also registered ' +
      'as a server of its region, under the service firmware-eu.',
  ),
  parallel: option(integer(1, 64), DEFAULT_PARALLEL, 'Maximum number of files fetched at a time.'),
  slots: optional(
    integer(1, 100_000),
    'Maximum number of simultaneous downloads that the server on this host carries; default 100. When all servers together ' +
      'carry as many as they can, devices are told that there is nothing new, and ask again later.',
  ),
  bandwidth: optional(
    integer(1024, 1_000_000_000_000),
    'Maximum rate of all fetches together, in bytes per second; default unlimited.',
  ),
  reserve: option(
    integer(0, 1_000_000_000_000),
    DEFAULT_RESERVE,
    'Number of bytes of the disk that fetches leave free.',
  ),
  releaseKeys: releaseKeysOption('fetched'),
};
