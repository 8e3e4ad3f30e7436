import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os, { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import {
  createOwnAddresses,
  inet6Addresses,
  localRoutes,
  readTable,
} from '../../../src/adapters/own-addresses.js';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 172.17.0.0/16 2 0 2
        |-- 172.17.0.0
           /16 link UNICAST
        |-- 172.17.0.1
           /32 host LOCAL
     |-- 10.9.0.0
        /16 link UNICAST
        /24 host LOCAL
`;

it('ownAddresses finds in the routing table of Linux what the host delivers to itself', () => {
  expect(localRoutes(TRIE)).toEqual(['127.0.0.0/8', '127.0.0.1/32', '172.17.0.1/32', '10.9.0.0/24']);
  expect(localRoutes('')).toEqual([]);
});

it('ownAddresses finds the IPv6 addresses of every interface', () => {
  const table =
    '00000000000000000000000000000001 01 80 10 80       lo\nfe80000000000000004200fffe000001 02 40 20 80    eth0\n';
  expect(inet6Addresses(table)).toEqual([
    '0000:0000:0000:0000:0000:0000:0000:0001',
    'fe80:0000:0000:0000:0042:00ff:fe00:0001',
  ]);
});

it('ownAddresses finds every address that Node.js lists for this host', async () => {
  const own = (await createOwnAddresses()()).map(([network]) => network.toNormalizedString());
  const listed = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  expect(listed.length).toBeGreaterThan(0);
  for (const { address, family } of listed) if (family === 'IPv4') expect(own).toContain(address);
});

it('returns the same object while the addresses stay the same', async () => {
  const read = createOwnAddresses();
  expect(await read()).toBe(await read());
});

it('knows the addresses from the tables of Linux in a unit that may not ask for the interfaces', async () => {
  const listed = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  vi.spyOn(os, 'networkInterfaces').mockImplementation(() => {
    throw new Error('uv_interface_addresses returned Unknown system error 97');
  });
  syncBuiltinESMExports();
  const own = (await createOwnAddresses()()).map(([network]) => network.toNormalizedString());
  for (const { address, family } of listed) if (family === 'IPv4') expect(own).toContain(address);
});

it('reads a table of any length whole, and none where the system has none', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sidekick-tables-'));
  try {
    const path = join(directory, 'fib_trie');
    for (const length of [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 200_000]) {
      const table = 'x'.repeat(length);
      await writeFile(path, table);
      expect(await readTable(path)).toBe(table);
    }
    expect(await readTable(join(directory, 'absent'))).toBe('');
  } finally {
    await rm(directory, { recursive: true });
  }
});
