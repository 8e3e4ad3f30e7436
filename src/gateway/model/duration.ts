/** NGINX's time notation: `10s`, `1m30s`, `500ms`; a bare number is seconds. */

const UNIT_MS: { [unit: string]: number } = {
  '': 1000,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
};

/** Maximum length of a time, in characters. All units with nine digits each are shorter. */
const MAX_LENGTH = 100;

/**
 * One number with its unit, at the start of a text. A single expression for all parts would backtrack over every way to
 * split the digits. More than 12 digits are refused, as NGINX refuses what its integers cannot hold.
 */
const PART = /^(\d{1,12})(ms|[smhdwMy])? ?/;

/** Milliseconds of an NGINX time; -1 if the text is not one. */
export function parse(text: string): number {
  if (text === '' || text.length > MAX_LENGTH) return -1;
  let total = 0;
  let rest = text;
  while (rest !== '') {
    const part = rest.match(PART);
    if (part === null) return -1;
    total += Number(part[1]) * (UNIT_MS[part[2] === undefined ? '' : part[2]] as number);
    rest = rest.substring((part[0] as string).length);
  }
  return total;
}

/** Maximum time of a parameter, in ms: the most seconds that a signed 32-bit number holds. */
export const MAX_MS = 2_147_483_647_000;

/** Formats milliseconds in NGINX's notation: `90s`, or `1500ms` if it is not a whole number of seconds. */
export function format(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
