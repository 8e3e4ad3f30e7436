/**
 * The release lines of regions: devices of a type that are in a region with a line of its own, such as `lamp-v2@eu`, are
 * answered from that line. A device cannot name one: its `type` has no `@`, and its region is what NGINX says. NGINX runs
 * this as well: see version.ts for what njs lacks.
 */

/** Between a type and a region. */
const MARK = '@';
const REGION = /^[a-z0-9-]{1,32}$/;

/** Whether this is the name of a region: lower-case letters, digits and `-`, at most 32. */
export function isRegion(text: string): boolean {
  return REGION.test(text);
}

/** The line of a type in a region. */
export function lineOf(type: string, region: string): string {
  return type + MARK + region;
}

/** The type as its devices say it. */
export function typeOf(line: string): string {
  const at = line.indexOf(MARK);
  return at < 0 ? line : line.substring(0, at);
}

/** The region of a line; `''` for the line of all regions. */
export function regionOf(line: string): string {
  const at = line.indexOf(MARK);
  return at < 0 ? '' : line.substring(at + 1);
}
