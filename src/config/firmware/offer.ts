import type { BrokerOptions } from '../../adapters/mqtt/options.js';
import type { Allow } from '../../core/address-policy.js';
import { defined } from '../../core/defined.js';
import type { ReleaseKeys } from '../../firmware/signature.js';
import { clientIdOf } from '../client-id.js';
import { service } from '../engine/core-formats.js';
import { duration, file, string, url } from '../engine/formats.js';
import { option, optional, switchOption, type Values } from '../engine/schema.js';
import type { FileReader } from '../engine/secret-files.js';
import { isLimited, openRecipients } from '../recipients.js';
import { authSettings, tlsOptions, tlsSettings } from '../tls.js';
import { firmwareService, releaseKeysOption } from './common.js';
import { releaseKeys } from './release-keys.js';

/** How `sidekick watch` offers firmware to devices. */
export const firmwareOfferOptions = {
  origin: optional(
    url,
    'URL that devices fetch firmware from, such as https://ota.example.com. Firmware is offered only if it is given.',
  ),
  service: firmwareService,
  releaseKeys: releaseKeysOption('offered'),
  push: switchOption(
    'Announce on every registered MQTT broker what devices are offered, as a retained message on firmware/<type>, so that devices that ' +
      'subscribe to it need not wait until they ask the next time.',
  ),
  mqtt: {
    service: option(service, 'mqtt', 'Service under which the brokers of --firmware-push register.'),
    spread: optional(
      duration('1s'),
      'Time over which devices are to spread their requests after an announcement: each device waits for a random part of it. ' +
        'Default: as long as their downloads take, from the number of devices and the slots of the firmware servers; 10 minutes ' +
        'where the number of devices is not known.',
    ),
    username: optional(string, 'MQTT user for the brokers. Needs the password file.'),
    passwordFile: optional(
      file,
      'File whose first line is the password. A name without a slash is a systemd credential.',
    ),
    tls: switchOption('Use TLS to the brokers.'),
    ...tlsOptions,
  },
};

/** How what is offered is announced on brokers. */
export interface FirmwarePushSettings {
  readonly service: string;
  /** In seconds; left out: by the size of the wave. */
  readonly spread?: number;
  readonly broker: BrokerOptions;
}

/** How firmware is offered. */
export interface FirmwareOfferSettings {
  readonly origin: string;
  readonly service: string;
  /** undefined: releases need no signature. */
  readonly releaseKeys?: ReleaseKeys | undefined;
  /** undefined: nothing is announced. */
  readonly push?: FirmwarePushSettings | undefined;
}

type Offered = Values<typeof firmwareOfferOptions>;

/** Reads the files that the options name. Problems go to `files`. */
export function firmwareOfferSettings(
  { origin, service, releaseKeys: paths, push, mqtt }: Offered,
  watcherId: string,
  allow: Allow,
  files: FileReader,
): FirmwareOfferSettings | undefined {
  const keys = releaseKeys('firmware.releaseKeys', paths, files);
  const settings = push ? pushSettings(mqtt, watcherId, allow, files) : undefined;
  if (origin !== undefined) return { origin, service, releaseKeys: keys, push: settings };
  if (push)
    files.problems.push({ key: 'firmware.push', reason: 'needs firmware.origin: nothing is offered' });
  return undefined;
}

function pushSettings(
  values: Offered['mqtt'],
  watcherId: string,
  allow: Allow,
  files: FileReader,
): FirmwarePushSettings {
  const label = 'firmware.mqtt.';
  const tls = tlsSettings(values, label, files);
  if (tls && !values.tls)
    files.problems.push({ key: `${label}tls`, reason: 'is required: ca, cert, key and serverName need it' });
  const auth = authSettings(values, label, files);
  if (auth && !values.tls && !isLimited(values.service, allow)) {
    files.problems.push({
      key: `${label}passwordFile`,
      reason: openRecipients(values.service, `${label}tls`),
    });
  }
  const broker = {
    clientId: clientIdOf(`${watcherId} firmware`),
    ...auth,
    ...(values.tls && { tls: tls ?? {} }),
  };
  const spread = values.spread === undefined ? undefined : Math.ceil(values.spread / 1000);
  return defined({ service: values.service, spread, broker });
}
