import { DEFAULT_FIRMWARE_SERVICE } from '../../daemon/firmware/options.js';
import { service } from '../engine/core-formats.js';
import { file, listOf } from '../engine/formats.js';
import { option, optional, switchOption } from '../engine/schema.js';
import { etcdOptions } from '../etcd.js';

/** What every `sidekick firmware` command takes. */
export const firmwareOptions = { json: switchOption('Print JSON.'), ...etcdOptions };

/**
 * The public keys of releases.
 * @param what What happens to the releases that one of them has signed.
 */
export const releaseKeysOption = (what: string) =>
  optional(
    listOf(file),
    `Files with public keys (Ed25519, PEM). Only releases that one of them has signed are ${what}: see publish --sign-release.`,
  );

/** The service of the firmware servers. */
export const firmwareService = option(
  service,
  DEFAULT_FIRMWARE_SERVICE,
  'Service under which the firmware servers register.',
);
