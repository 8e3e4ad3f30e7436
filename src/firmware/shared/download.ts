/** The download of a file, as its request shows it. NGINX runs this as well: see version.ts for what njs lacks. */
import * as deviceId from './device-id.js';
import * as flights from './flights.js';

const DEVICE = /^([A-Za-z0-9._-]{1,64}(?:@[a-z0-9-]{1,32})?)\/([^/]{1,64})$/;
const FILE = /^\/blobs\/([0-9a-f]{64})\.bin$/;
const RANGE = /^bytes [0-9]+-([0-9]{1,15})\/([0-9]{1,15})$/;

/** The key of the flight that the argument `device` names; `''` where it names none. `raw` is as it came. */
export function deviceOf(raw: string | undefined): string {
  if (!raw) return '';
  let text: string;
  try {
    text = decodeURIComponent(raw);
  } catch {
    return '';
  }
  const found = text.match(DEVICE);
  const id = found === null ? undefined : deviceId.normalize(found[2] as string);
  return found === null || id === undefined ? '' : flights.flightKey(found[1] as string, id);
}

/** The SHA-256 in the path of a file; `''` where it is none. */
export function fileOf(path: string): string {
  const found = path.match(FILE);
  return found === null ? '' : (found[1] as string);
}

/** What was sent of a file: header fields as they were sent, `''` where they were not. */
interface Sent {
  status: number;
  /** Of the body. */
  bytes: number;
  /** Content-Length. */
  length: string;
  /** Content-Range. */
  range: string;
}

/** Whether the file's last byte was sent: with all of it, or with a range that ends there. */
export function isLastByteSent(sent: Sent): boolean {
  if (sent.length === '' || sent.bytes !== Number(sent.length)) return false;
  if (sent.status === 200) return true;
  const range = sent.status === 206 ? sent.range.match(RANGE) : null;
  return range !== null && Number(range[1]) === Number(range[2]) - 1;
}
