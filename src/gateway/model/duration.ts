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

/** The longest time that is read, in characters: more than every unit with nine digits. */
const MAX_LENGTH = 100;

/**
 * The part at the start of a text. One expression for all parts would try every way to share the digits out among them.
 * More digits are no time: NGINX refuses what its integers do not hold.
 */
const PART = /^(\d{1,12})(ms|[smhdwMy])? ?/;

/** Milliseconds of an NGINX time, or -1 when it is none. */
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

/** Longest time that a parameter may have, in ms: as many seconds as a 32-bit number holds. */
export const LONGEST = 2_147_483_647_000;

/** A time in NGINX's notation: `90s`, or `1500ms` where it is no whole number of seconds. */
export function format(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
