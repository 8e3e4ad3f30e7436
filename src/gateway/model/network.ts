/** IP addresses as bytes: which networks they belong to, and which of them a server must not have. */

/** The 4 or 16 bytes of an address. An IPv4-mapped IPv6 address has the 4 bytes of the IPv4 address. */
export type Bytes = number[];

function ipv4(text: string): Bytes {
  return text.split('.').map(Number);
}

/**
 * The bytes of colon-separated groups. The last group may be an IPv4 address. Where there is none beside `::`, that is
 * one of zeros: `::` stands for one at least.
 */
function groups(text: string): Bytes {
  let bytes: Bytes = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string;
    const value = Number.parseInt(part, 16);
    bytes = bytes.concat(part.indexOf('.') >= 0 ? ipv4(part) : [value >> 8, value & 255]);
  }
  return bytes;
}

function ipv6(text: string): Bytes {
  const halves = text.split('::');
  const head = groups(halves[0] as string);
  const tail = halves.length === 1 ? [] : groups(halves[1] as string);
  let bytes = head;
  while (bytes.length + tail.length < 16) bytes = bytes.concat([0]);
  bytes = bytes.concat(tail);
  return startsWith(bytes, MAPPED) ? bytes.slice(12) : bytes;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

function startsWith(bytes: Bytes, prefix: Bytes): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[i] !== prefix[i]) return false;
  return true;
}

/** The bytes of a valid address, with or without brackets. */
function bytesOf(address: string): Bytes {
  const bare = address.charAt(0) === '[' ? address.substring(1, address.length - 1) : address;
  return bare.indexOf(':') >= 0 ? ipv6(bare) : ipv4(bare);
}

/** The bytes of the host of a server, `10.0.0.1:80` or `[::1]:80`. */
export function hostOf(server: string): Bytes {
  return bytesOf(server.substring(0, server.lastIndexOf(':')));
}

/** Whether an address is in a network such as `127.0.0.0/8`. Without a prefix length the network is a single address. */
export function contains(network: string, bytes: Bytes): boolean {
  const slash = network.indexOf('/');
  const first = bytesOf(slash < 0 ? network : network.substring(0, slash));
  const length = slash < 0 ? 8 * first.length : Number(network.substring(slash + 1));
  if (first.length !== bytes.length) return false;
  for (let bit = 0; bit < length; bit++) {
    const mask = 128 >> (bit & 7);
    if (((first[bit >> 3] as number) & mask) !== ((bytes[bit >> 3] as number) & mask)) return false;
  }
  return true;
}

/** Special-purpose networks (RFC 6890) that a server must not be in, by what they are for. */
const SPECIAL_PURPOSE: { [name: string]: string[] } = {
  unspecified: ['0.0.0.0/8', '::/128'],
  loopback: ['127.0.0.0/8', '::1/128'],
  'link-local': ['169.254.0.0/16', 'fe80::/10'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
  reserved: ['240.0.0.0/4', '::/96'],
};

/** What a special-purpose address is for; `undefined` for an ordinary address. */
export function specialPurpose(bytes: Bytes): string | undefined {
  const names = Object.keys(SPECIAL_PURPOSE);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if ((SPECIAL_PURPOSE[name] as string[]).some((network) => contains(network, bytes))) return name;
  }
  return undefined;
}

/**
 * Addresses of this host, from the text of `/proc/net/fib_trie` (IPv4: a line with the address, followed by one that marks
 * it as local) and `/proc/net/if_inet6` (IPv6: each line begins with 32 hexadecimal digits).
 */
export function hostAddresses(fibTrie: string, ifInet6: string): Bytes[] {
  const found: Bytes[] = [];
  const lines = fibTrie.split('\n');
  for (let i = 1; i < lines.length; i++) {
    const address = (lines[i - 1] as string).match(/\|-- ([\d.]+)/);
    if (address !== null && /\/32 host LOCAL/.test(lines[i] as string))
      found.push(ipv4(address[1] as string));
  }
  const others = ifInet6.match(/[0-9a-f]{32}/g) || [];
  for (let i = 0; i < others.length; i++)
    found.push(((others[i] as string).match(/../g) as string[]).map((digits) => Number.parseInt(digits, 16)));
  return found;
}

/** Whether a list of addresses contains an address. */
export function includes(addresses: Bytes[], bytes: Bytes): boolean {
  return addresses.some((address) => address.length === bytes.length && startsWith(address, bytes));
}
