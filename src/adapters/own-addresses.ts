import { closeSync, openSync, readSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { type Networks, parseNetwork } from '../core/address.js';

/** Where Linux lists its local addresses, for IPv4 and for IPv6: below `self`, since a unit with `ProcSubset=pid` has no /proc/net. */
const FIB_TRIE = '/proc/self/net/fib_trie';
const IF_INET6 = '/proc/self/net/if_inet6';

/** The tables of Linux, and what Node.js lists, as they were read. */
interface Sources {
  readonly trie: string;
  readonly inet6: string;
  readonly interfaces: readonly string[];
}

/**
 * Returns a function that reads every address at which this host, or this container, reaches itself. As long as nothing has
 * changed it returns the same object, and parses nothing.
 */
export function createOwnAddresses(): () => Promise<Networks> {
  let known = '';
  let networks: Networks = [];
  return async () => {
    const sources = await readSources();
    const seen = JSON.stringify(sources);
    if (seen !== known) networks = networksIn(sources);
    known = seen;
    return networks;
  };
}

/**
 * Node.js lists only the interfaces that are up and
 * have a carrier. The addresses of the other interfaces, and those that only a route makes local, are read from Linux's
 * tables, where there are any.
 */
async function readSources(): Promise<Sources> {
  const [trie, inet6] = await Promise.all([readTable(FIB_TRIE), readTable(IF_INET6)]);
  return { trie, inet6, interfaces: interfaceAddresses(() => addressesIn({ trie, inet6 }).length > 0) };
}

function addressesIn({ trie, inet6 }: Pick<Sources, 'trie' | 'inet6'>): readonly string[] {
  return [...localRoutes(trie), ...inet6Addresses(inet6)];
}

function networksIn(sources: Sources): Networks {
  return [...new Set([...sources.interfaces, ...addressesIn(sources)])].flatMap((text) => {
    const network = parseNetwork(text);
    return network.ok ? [network.value] : [];
  });
}

/** The networks that the kernel's table has as `host LOCAL`: a line with the address, then one with its prefix length. */
export function localRoutes(trie: string): readonly string[] {
  const found: string[] = [];
  let address: string | undefined;
  for (const line of trie.split('\n')) {
    address = /^[ |+-]*(?:\|--|\+--) ([\d.]+)/.exec(line)?.[1] ?? address;
    const bits = /^\s*\/(\d+) host LOCAL/.exec(line)?.[1];
    if (bits !== undefined && address !== undefined) found.push(`${address}/${bits}`);
  }
  return found;
}

/** The addresses, each written as 32 hexadecimal digits at the beginning of its line. */
export function inet6Addresses(table: string): readonly string[] {
  return [...table.matchAll(/^([0-9a-f]{32}) /gm)].map(
    ([, digits = '']) => digits.match(/.{4}/g)?.join(':') ?? '',
  );
}

/**
 * Node.js asks the kernel over a netlink socket, which a unit with `RestrictAddressFamilies=` does not permit.
 * @param canFail Whether the addresses are known from elsewhere.
 */
function interfaceAddresses(canFail: () => boolean): readonly string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
  } catch (error) {
    if (canFail()) return [];
    throw error;
  }
}

/** A table of up to so many bytes is read at once, which takes some 30 µs; a longer one by another thread, which takes 20 times as much. */
const SHORT_TABLE = 64 * 1024;

/** A table is read into this every two seconds: as garbage it would be most of what a watcher at rest makes. */
const TABLE = Buffer.allocUnsafeSlow(SHORT_TABLE);

/** Reads a table of the kernel's. Other systems than Linux have none: it is empty then. */
export async function readTable(path: string): Promise<string> {
  try {
    return readShort(path) ?? (await readFile(path, 'utf8'));
  } catch {
    return '';
  }
}

/** Undefined where the table is longer than a short one. Throws where it cannot be read. */
function readShort(path: string): string | undefined {
  const file = openSync(path, 'r');
  try {
    let length = 0;
    for (let read = -1; read !== 0; length += read) {
      if (length === SHORT_TABLE) return undefined;
      read = readSync(file, TABLE, length, SHORT_TABLE - length, null);
    }
    return TABLE.toString('utf8', 0, length);
  } finally {
    closeSync(file);
  }
}
