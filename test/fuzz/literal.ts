/** Values as source code that makes them again, for a test that somebody can paste. */

/** So many repetitions in a row are written as such. */
const REPEATED = /([\s\S]{1,8}?)\1{23,}/g;

function textLiteral(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (const { 0: run, 1: unit = '', index } of text.matchAll(REPEATED)) {
    if (index > from) pieces.push(JSON.stringify(text.slice(from, index)));
    pieces.push(`${JSON.stringify(unit)}.repeat(${run.length / unit.length})`);
    from = index + run.length;
  }
  if (from < text.length || pieces.length === 0) pieces.push(JSON.stringify(text.slice(from)));
  return pieces.join(' + ');
}

/** Source code of a value of which JSON, bytes and `undefined` can be made. */
export function literal(value: unknown): string {
  if (typeof value === 'string') return textLiteral(value);
  if (value instanceof Uint8Array) return `Buffer.from('${Buffer.from(value).toString('hex')}', 'hex')`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([name, inner]) => `${nameLiteral(name)}: ${literal(inner)}`);
    return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

function nameLiteral(name: string): string {
  return /^[A-Za-z]\w*$/.test(name) ? name : JSON.stringify(name);
}
