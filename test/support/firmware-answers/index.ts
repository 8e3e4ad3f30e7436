/** Requests of every kind of device, and what they are to be answered: from TypeScript and from njs alike. */
import type { AnswerCase } from './answer-case.js';
import { CERTIFICATE_CASES } from './certificate.js';
import { ESP32FOTA_CASES } from './esp32fota.js';
import { ESPHOME_AND_TEXT_CASES } from './esphome-and-text.js';
import { FILE_CASES } from './file.js';
import { REFUSED_CASES } from './refused.js';
import { REGION_CASES } from './region.js';
import { WAY_CASES } from './way.js';

export type { AnswerCase } from './answer-case.js';
export { EMPTY, FILLED } from './zone.js';

export const ANSWER_CASES: readonly AnswerCase[] = [
  ...ESP32FOTA_CASES,
  ...FILE_CASES,
  ...ESPHOME_AND_TEXT_CASES,
  ...CERTIFICATE_CASES,
  ...REGION_CASES,
  ...WAY_CASES,
  ...REFUSED_CASES,
];
