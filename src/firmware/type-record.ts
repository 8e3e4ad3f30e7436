import { defined } from '../core/defined.js';
import type { Result } from '../core/result.js';
import { CHIP_NAMES } from './chips.js';
import { integer, listOf, matching, oneOf, prose, type Reader, readRecord } from './fields.js';

/**
 * In which form a type's devices ask: for esp32FOTA's manifest, for the file itself (Arduino's HTTPUpdate, Tasmota,
 * esp_https_ota), for ESPHome's manifest, or for the version as text.
 */
export type AnswerForm = 'esp32fota' | 'file' | 'esphome' | 'text';

export const ANSWER_FORMS: readonly AnswerForm[] = ['esp32fota', 'file', 'esphome', 'text'];

/** The lengths that the signature in front of an image may have: that of its RSA key. */
export const SIGNATURE_LENGTHS: readonly number[] = [256, 384, 512];

/** The largest image that is ever stored, in bytes: the most that an ESP chip can address. */
export const MAX_IMAGE = 33_554_432;

/** What the devices of one type are: written with the first release, and changed only when an operator says so. */
export interface FirmwareType {
  /** The target's name, such as `esp32s3`. */
  readonly chip: string;
  /** The project that the images name; undefined where they name none of their own, as Arduino's do. */
  readonly project?: string;
  readonly forms: readonly AnswerForm[];
  /** Bytes of the signature in front of images that esp32FOTA checks; undefined where it checks none. */
  readonly signatureLength?: number;
  /** The largest image that fits the devices' slot, in bytes. */
  readonly maxSize?: number;
  /** The ClientId of a device on MQTT, with `{id}` for its id; undefined where nobody has said. */
  readonly clientId?: string;
}

/** What {@link readClientId} takes. A character that NGINX's catalogue or MQTT's topics treat in their own way is none of it. */
export const CLIENT_ID_FORM = 'letters, digits and . _ : @ ~ - with one {id} among them (at most 64)';

/** Reads the pattern from a device's id to its ClientId, such as `lamp-{id}`. */
export const readClientId: Reader<string> = matching(
  /^(?=.{4,64}$)[A-Za-z0-9._:@~-]*\{id\}[A-Za-z0-9._:@~-]*$/,
  CLIENT_ID_FORM,
);

export function encodeType(type: FirmwareType): string {
  return JSON.stringify(type);
}

/** Reads a type's record, which is untrusted. Never throws. */
export function decodeType(text: string): Result<FirmwareType> {
  return readRecord(
    text,
    (fields): FirmwareType =>
      defined({
        chip: fields.required('chip', oneOf(CHIP_NAMES)),
        project: fields.optional('project', prose(64)),
        forms: fields.required('forms', listOf(oneOf(ANSWER_FORMS), ANSWER_FORMS.length)),
        signatureLength: fields.optional('signatureLength', oneOf(SIGNATURE_LENGTHS)),
        maxSize: fields.optional('maxSize', integer(1, MAX_IMAGE)),
        clientId: fields.optional('clientId', readClientId),
      }),
  );
}
