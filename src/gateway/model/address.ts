/** Server addresses: `10.0.0.1:80`, `[::1]:80`; http knows a default port, stream does not. */

/** What an address turned out to be; `error` is `''` when `server` holds the canonical form. */
export interface ParsedAddress {
  server: string;
  error: '' | 'host' | 'port' | 'no port' | 'name';
}

/** Longest address, in characters: a host name and a port. */
const LONGEST = 260;

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);
const NAME = /^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;

/** How many 16-bit groups a colon-separated list holds; -1 when one of them is none. */
function groups(list: string): number {
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
  const head = groups(halves[0] as string);
  if (halves.length === 1) return head === 8;
  const tail = groups(halves[1] as string);
  return head >= 0 && tail >= 0 && head + tail <= 7;
}

function rejected(error: ParsedAddress['error']): ParsedAddress {
  return { server: '', error: error };
}

/** Where the host ends, or -1 when brackets do not match. */
function hostEnd(text: string): number {
  if (text.charAt(0) === '[') {
    const close = text.indexOf(']');
    return close < 0 ? -1 : close + 1;
  }
  const colon = text.indexOf(':');
  return colon < 0 ? text.length : colon;
}

function checkHost(host: string): ParsedAddress['error'] {
  if (host.charAt(0) === '[') return isIpv6(host.substring(1, host.length - 1)) ? '' : 'host';
  if (IPV4.test(host)) return '';
  // A dotted number that is no IPv4 address would be looked up as a name; it is a typing error.
  if (host.length > 253 || /^[\d.]*$/.test(host) || !NAME.test(host)) return 'host';
  return 'name';
}

/**
 * Canonical form of a server address.
 * `defaultPort` is added when the text has none; 0 means that a port is required.
 */
export function parse(text: string, defaultPort: number): ParsedAddress {
  // Before any expression sees it.
  if (text.length > LONGEST) return rejected('host');
  const end = hostEnd(text);
  if (end <= 0) return rejected('host');
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
