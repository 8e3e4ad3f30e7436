import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { type Networks, parseNetwork } from '../core/address.js';

/** Where Linux lists its local addresses, for IPv4 and for IPv6: below `self`, since a unit with `ProcSubset=pid` has no /proc/net. */
const FIB_TRIE = '/proc/self/net/fib_trie';
const IF_INET6 = '/proc/self/net/if_inet6';

/**
 * Returns a function that reads every address at which this host, or this container, reaches itself. As long as they stay the
 * same it returns the same object, and parses nothing.
 */
export function createOwnAddresses(): () => Promise<Networks> {
  let known = '';
  let networks: Networks = [];
  return async () => {
    const all = (await readAddresses()).sort();
    if (all.join() !== known) {
      known = all.join();
      networks = all.flatMap((text) => {
        const network = parseNetwork(text);
        return network.ok ? [network.value] : [];
      });
    }
    return networks;
  };
}

/**
 * Node.js lists only the interfaces that are up and
 * have a carrier. The addresses of the other interfaces, and those that only a route makes local, are read from Linux's
 * tables, where there are any.
 */
async function readAddresses(): Promise<string[]> {
  const [trie, inet6] = await Promise.all([readOrNothing(FIB_TRIE), readOrNothing(IF_INET6)]);
  const inTables = [...localRoutes(trie), ...inet6Addresses(inet6)];
  return [...new Set([...interfaceAddresses(inTables.length > 0), ...inTables])];
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
function interfaceAddresses(canFail: boolean): readonly string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
  } catch (error) {
    if (canFail) return [];
    throw error;
  }
}

/** Other systems than Linux have no such file. */
async function readOrNothing(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
