/** Server addresses: `10.0.0.1:80`, `[::1]:80`; http knows a default port, stream does not. */

/** The result of parsing an address. `error` is `''` if the address is valid; then `server` is its canonical form. */
interface ParsedAddress {
  server: string;
  error: '' | 'host' | 'port' | 'no port' | 'name';
}

/** Maximum length of an address, in characters: a host name and a port. */
const MAX_LENGTH = 260;

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);
const NAME = /^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;

/** The number of 16-bit groups in a colon-separated list; -1 if one of them is invalid. */
function countGroups(list: string): number {
  if (list === '') return 0;
  const parts = list.split(':');
  const last = parts[parts.length - 1] as string;
  let count = parts.length;
  if (IPV4.test(last)) {
    parts.pop();
    count += 1;
  }
  for (let i = 0; i < parts.length; i++) if (!GROUP.test(parts[i] as string)) return -1;
  return count;
}

function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const head = countGroups(halves[0] as string);
  if (halves.length === 1) return head === 8;
  const tail = countGroups(halves[1] as string);
  return head >= 0 && tail >= 0 && head + tail <= 7;
}

function rejected(error: ParsedAddress['error']): ParsedAddress {
  return { server: '', error: error };
}

/** The index behind the host; 0 if a bracket is not closed. */
function hostEnd(text: string): number {
  if (text.charAt(0) === '[') return text.indexOf(']') + 1;
  const colon = text.indexOf(':');
  return colon < 0 ? text.length : colon;
}

function checkHost(host: string): ParsedAddress['error'] {
  if (host.charAt(0) === '[') return isIpv6(host.substring(1, host.length - 1)) ? '' : 'host';
  if (IPV4.test(host)) return '';
  // Digits and dots that are not a valid IPv4 address are a typing error, not a name.
  if (host.length > 253 || /^[\d.]*$/.test(host) || !NAME.test(host)) return 'host';
  return 'name';
}

/**
 * Parses a server address into its canonical form.
 * `defaultPort` is added if the text has no port; 0 means that a port is required.
 */
export function parse(text: string, defaultPort: number): ParsedAddress {
  // Checked first, so that no regular expression runs over a long text.
  if (text.length > MAX_LENGTH) return rejected('host');
  const end = hostEnd(text);
  const host = text.substring(0, end).toLowerCase();
  const hostError = checkHost(host);
  if (hostError === 'host') return rejected(hostError);
  const rest = text.substring(end);
  if (rest === '' && defaultPort === 0) return rejected('no port');
  if (rest !== '' && !/^:\d{1,5}$/.test(rest)) return rejected('port');
  const port = rest === '' ? defaultPort : Number(rest.substring(1));
  if (port < 1 || port > 65535) return rejected('port');
  return { server: `${host}:${port}`, error: hostError };
}
