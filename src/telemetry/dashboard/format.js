/**
 * What would mislead a reader instead of being shown: control characters, what is invisible (bidi controls and zero widths
 * among it), line and paragraph separators, halves of surrogate pairs. As in `core/printable.ts`.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Untrusted text as it may be shown: what is not printable is escaped, what is too long is cut.
 *
 * @param {string} text
 * @param {number} [limit] In characters.
 * @returns {string}
 */
export function printable(text, limit = 500) {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(UNPRINTABLE, escaped);
}

/** @param {string} char */
function escaped(char) {
  return [...Array(char.length).keys()]
    .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('');
}

/**
 * A whole number with separators: `10,000`.
 *
 * @param {number} value
 * @returns {string}
 */
export function count(value) {
  return Math.round(value).toLocaleString('en-US');
}

/**
 * A number with its noun: `1 server`, `2 servers`.
 *
 * @param {number} value
 * @param {string} noun
 * @returns {string}
 */
export function counted(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/**
 * A rate per second: one decimal where it is small.
 *
 * @param {number} value
 * @returns {string}
 */
export function rate(value) {
  return value >= 10 || value === 0 ? count(value) : value.toFixed(1);
}

const UNITS = /** @type {const} */ ([
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
]);

/**
 * A time span in its two largest units: `2 h 5 min`, `24 s`. What is less than a second is `0 s`.
 *
 * @param {number} ms
 * @returns {string}
 */
export function span(ms) {
  let left = Math.max(0, Math.round(ms / 1000));
  const first = UNITS.findIndex(([, seconds]) => left >= seconds);
  if (first < 0) return '0 s';
  const parts = UNITS.slice(first, first + 2).flatMap(([unit, seconds]) => {
    const whole = Math.floor(left / seconds);
    left -= whole * seconds;
    return whole > 0 ? [`${whole} ${unit}`] : [];
  });
  return parts.join(' ');
}

/**
 * The time that is left: `0:24`, `4:05`, `1:02:03`.
 *
 * @param {number} ms
 * @returns {string}
 */
export function timeLeft(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * The time of day of the reader: `14:03:59`.
 *
 * @param {string | number} time ISO 8601, or ms since the epoch.
 * @returns {string}
 */
export function timeOfDay(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? '' : date.toLocaleTimeString('en-GB');
}

/**
 * The day and time of the reader: `31 Jan, 14:03`.
 *
 * @param {string | number} time ISO 8601, or ms since the epoch.
 * @returns {string}
 */
export function dayAndTime(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '';
  return date.toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}
