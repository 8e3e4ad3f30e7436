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
      'Type of the devices, such as lamp-v2; lamp-v2@eu for those in the region eu alone.',
    ),
    version: optional(string, 'Version of the release, such as 1.3.0 or 7. It never changes.'),
    chip: option(
      oneOf('auto', 'esp8266'),
      'auto',
      'auto: what the image says. An image for the ESP8266 says nothing: name it.',
    ),
    sign: optional(
      file,
      'File with an RSA key (PEM). Puts its signature in front of the image, as esp32FOTA checks it.',
    ),
    forms: optional(
      listOf(oneOf(...ANSWER_FORMS)),
      'In which forms devices of this type ask; default all. For the first release of the type.',
    ),
    signatureLength: optional(
      signatureLength,
      'Bytes of the signature that devices of this type cut off in front of an image (esp32FOTA): 512 with a key of RSA-4096. ' +
        'Default that of the first file. For the first release of the type.',
    ),
    maxSize: optional(
      integer(1, MAX_IMAGE),
      'Size in bytes of the slot of the devices. For the first release of the type.',
    ),
    clientId: optional(
      clientId,
      'ClientId of a device of this type on MQTT, such as lamp-{id}: by it, devices that are back after their download are ' +
        'known. For the first release of the type.',
    ),
    from: optional(
      version,
      'Oldest version that a device may run to take this release. Older ones need a stepping stone: see --through.',
    ),
    through: switchOption(
      'A stepping stone: devices that run an older version take it before any later release.',
    ),
    critical: switchOption('Offer it to devices however many downloads are under way.'),
    notes: optional(string, 'Release notes, up to 2000 characters.'),
    signRelease: optional(
      file,
      'File with a private key (Ed25519, PEM) that signs the record of the release, for sidekicks with firmware.releaseKeys. A name ' +
        'without a slash is a systemd credential.',
    ),
    valid: option(days, '90d', 'How long the signature of --sign-release counts.'),
    force: switchOption('Publish in spite of a check that --force may overrule; the refusal says so.'),
    repair: switchOption(
      'Upload the files of a release again that has been published: for files that no firmware server has any more. With ' +
        '--sign-release its record is signed anew as well: for a signature that expires, and for another key.',
    ),
    timeout: option(
      duration('1s'),
      '5m',
      'How long to wait until every firmware server has the files. They spread in any case.',
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
