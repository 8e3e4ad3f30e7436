import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { addressOfInterface, addressTowards } from '../../../src/adapters/host-address.js';

function info(address: string): NetworkInterfaceInfo {
  const common = { address, netmask: '', mac: '', internal: false, cidr: null };
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}

describe('addressOfInterface', () => {
  it('prefers IPv4 to IPv6', () => {
    const all = { eth1: [info('2001:db8::1'), info('10.0.0.5')] };
    expect(addressOfInterface('eth1', 80, all)).toBe('10.0.0.5:80');
  });

  it('uses IPv6 where there is nothing else', () => {
    expect(addressOfInterface('eth1', 80, { eth1: [info('fe80::1'), info('2001:DB8::1')] })).toBe(
      '[2001:db8::1]:80',
    );
  });

  it('uses no link-local address', () => {
    const all = { eth1: [info('169.254.3.4'), info('fe80::1')] };
    expect(() => addressOfInterface('eth1', 80, all)).toThrow('interface eth1 has no address');
  });

  it('names the interfaces of the host', () => {
    expect(() => addressOfInterface('eth9', 80, { lo: [], eth1: [] })).toThrow('there are lo, eth1');
  });

  it("reads the host's own interfaces", () => {
    expect(addressOfInterface('lo', 80)).toBe('127.0.0.1:80');
  });
});

describe('addressTowards', () => {
  it.each(['http://127.0.0.1:2379', 'https://127.0.0.1:2379', '127.0.0.1:2379', 'localhost:2379'])(
    'finds the address on the route to %s',
    async (endpoint) => {
      expect(await addressTowards([endpoint], 1883)).toMatch(/^(127\.0\.0\.1|\[::1\]):1883$/);
    },
  );

  it('uses the next endpoint where there is no route to the first', async () => {
    expect(await addressTowards(['http://no.such.host.invalid:1', 'http://127.0.0.1:2379'], 80)).toBe(
      '127.0.0.1:80',
    );
  });

  it('says why there is none', async () => {
    await expect(addressTowards(['http://no.such.host.invalid:1'], 80)).rejects.toMatchObject({
      code: 'NO_ADDRESS',
      message: expect.stringContaining('no.such.host.invalid') as string,
    });
  });
});
