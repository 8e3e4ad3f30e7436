import { quote } from '../core/result.js';
import type { ReleaseId } from './names.js';
import { type Checked, passed, refused } from './refusal.js';
import { normal, parse } from './shared/version.js';
import type { AnswerForm } from './type-record.js';

/** An integer, or two or three parts with an optional pre-release: no leading zeros, no `v`, no build metadata. */
const FORM = /^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){0,2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** The largest integer that esp32FOTA takes for a version. Source: esp32FOTA 0.3.0, `uint16_t`. */
const MAX_INTEGER = 65_535;

/**
 * The normal spelling of a version that is to be published. What esp32FOTA would read as 0.0.0, and so as older than
 * anything, is refused for a type that answers in its form.
 */
export function publishableVersion(text: string, forms: readonly AnswerForm[]): Checked<ReleaseId> {
  const version = FORM.test(text) ? parse(text) : undefined;
  if (version === undefined) {
    return refused(
      'version-form',
      `${quote(text)} is not a version`,
      'give an integer such as 7, or a semantic version such as 1.3.0: no leading v or zeros, three parts at most',
    );
  }
  if (forms.includes('esp32fota') && !isReadByEsp32Fota(text)) {
    return refused(
      'version-esp32fota',
      `esp32FOTA reads ${quote(text)} as 0.0.0`,
      `give an integer up to ${MAX_INTEGER} or numbers with dots, or take esp32fota out of the type's answer forms`,
    );
  }
  return passed(normal(version));
}

/** Source: esp32FOTA, src/semver/semver.c, and how the manifest's `version` is read. */
function isReadByEsp32Fota(text: string): boolean {
  return /^\d+$/.test(text) ? Number(text) <= MAX_INTEGER : /^[\d.]+$/.test(text);
}
