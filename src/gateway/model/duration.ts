/** NGINX's time notation: `10s`, `1m30s`, `500ms`; a bare number is seconds. */

const UNIT_MS: { [unit: string]: number } = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
};

/** Milliseconds of an NGINX time, or -1 when it is none. */
export function parse(text: string): number {
  if (!/^(\d+(ms|[smhdwMy])? ?)+$/.test(text)) return -1;
  const parts = text.match(/\d+(ms|[smhdwMy])?/g) as string[];
  let total = 0;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    const digits = (part.match(/^\d+/) as string[])[0] as string;
    const unit = part.substring(digits.length);
    total += Number(digits) * (UNIT_MS[unit === '' ? 's' : unit] as number);
  }
  return total;
}
