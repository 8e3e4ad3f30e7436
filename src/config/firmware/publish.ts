import { defined } from '../../core/defined.js';
import type { Tls } from '../../core/tls.js';
import { ANSWER_FORMS, MAX_IMAGE } from '../../firmware/type-record.js';
import { duration, file, integer, listOf, oneOf, string, url } from '../engine/formats.js';
import { option, optional, switchOption, type Values } from '../engine/schema.js';
import type { FileReader } from '../engine/secret-files.js';
import { tlsOptions, tlsSettings } from '../tls.js';
import { firmwareOptions, firmwareService } from './common.js';
import { clientId, days, signatureLength, type, version } from './formats.js';

/** The options of `sidekick firmware publish`. */
export const firmwarePublishScope = {
  options: {
    type: optional(
      type,
      'Type of the devices, such as lamp-v2, or lamp-v2@eu for those in the region eu only.',
    ),
    version: optional(
      string,
      'Version of the release, such as 1.3.0 or 7. What is published under a version never changes.',
    ),
    chip: option(
      oneOf('auto', 'esp8266'),
      'auto',
      'Chip of the devices. auto: the chip that the image names. An image for the ESP8266 names none.',
    ),
    sign: optional(
      file,
      'File with an RSA private key (PEM) that signs the image: the signature is put in front of the image, where esp32FOTA ' +
        'expects it.',
    ),
    forms: optional(
      listOf(oneOf(...ANSWER_FORMS)),
      'Forms in which devices of this type ask for firmware; default all. Only with the first release of the type.',
    ),
    signatureLength: optional(
      signatureLength,
      'Length in bytes of the signature that devices of this type expect in front of an image (esp32FOTA): 512 with an RSA-4096 ' +
        'key. Default: that of the first file. Only with the first release of the type.',
    ),
    maxSize: optional(
      integer(1, MAX_IMAGE),
      'Size in bytes of the partition (OTA slot) that an image has to fit into. Only with the first release of the type.',
    ),
    clientId: optional(
      clientId,
      'ClientId of a device of this type on MQTT, such as lamp-{id}: a device that connects with it after its download is known ' +
        'to be alive. Only with the first release of the type.',
    ),
    from: optional(
      version,
      'Oldest version from which a device may update to this release. Older devices need a stepping stone: see --through.',
    ),
    through: switchOption(
      'Make the release a stepping stone: devices that run an older version install it before any later release.',
    ),
    critical: switchOption('Offer the release to devices however many downloads are under way.'),
    notes: optional(string, 'Release notes, up to 2000 characters.'),
    signRelease: optional(
      file,
      'File with a private key (Ed25519, PEM) that signs the record of the release, for sidekicks with firmware.releaseKeys. A name ' +
        'without a slash is a systemd credential.',
    ),
    valid: option(days, '90d', 'How long the signature of --sign-release is valid.'),
    force: switchOption(
      'Publish although a check failed. The refusal says whether --force overrules that check.',
    ),
    repair: switchOption(
      'Upload the files of a published release again, when no firmware server has them any more. With --sign-release its record ' +
        'is signed again as well, when the signature expires or the key has changed.',
    ),
    timeout: option(
      duration('1s'),
      '5m',
      'How long to wait until every firmware server has the files. The servers go on fetching them after that.',
    ),
    upload: {
      url: optional(
        url,
        'Upload listener of a firmware server, such as https://10.0.0.11:8443; default port 8443 of one that is registered.',
      ),
      tokenFile: optional(
        file,
        'File whose first line is a bearer token. A name without a slash is a systemd credential.',
      ),
      ...tlsOptions,
    },
    service: firmwareService,
    ...firmwareOptions,
  },
  lists: {},
};

/** Where a release is uploaded to; the URL may have to be found among the registered firmware servers. */
export interface UploadSettings {
  readonly url: string | undefined;
  readonly token?: string;
  readonly tls?: Tls;
}

/** Reads the files that the options of an upload name. Problems go to `files`. */
export function uploadSettings(
  { url: given, tokenFile, ...tls }: Values<typeof firmwarePublishScope.options.upload>,
  files: FileReader,
): UploadSettings {
  const token = files.token('upload.tokenFile', tokenFile);
  return { url: given, ...defined({ token, tls: tlsSettings(tls, 'upload.', files) }) };
}
