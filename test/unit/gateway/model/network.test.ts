import { describe, expect, it } from 'vitest';
import * as network from '../../../../src/gateway/model/network.js';

describe('an address that leads to this host', () => {
  it.each([
    ['0.0.0.0:80', 'unspecified'],
    ['[::]:80', 'unspecified'],
    ['127.0.0.1:8080', 'loopback'],
    ['127.255.255.255:80', 'loopback'],
    ['[::1]:80', 'loopback'],
    ['[0:0:0:0:0:0:0:1]:80', 'loopback'],
    ['[::ffff:127.0.0.1]:80', 'loopback'],
    ['[::ffff:7f00:1]:80', 'loopback'],
    ['[0:0:0:0:0:ffff:7f00:0001]:80', 'loopback'],
    ['169.254.169.254:80', 'link-local'],
    ['[fe80::1]:80', 'link-local'],
    ['[febf:ffff::1]:80', 'link-local'],
    ['[::ffff:169.254.1.1]:80', 'link-local'],
    ['224.0.0.1:80', 'multicast'],
    ['[ff02::1]:80', 'multicast'],
    ['255.255.255.255:80', 'reserved'],
    ['[::127.0.0.1]:80', 'reserved'],
  ])('is recognised: %s is %s', (server, special) => {
    expect(network.specialPurpose(network.hostOf(server))).toBe(special);
  });

  it.each([
    '10.0.0.1:80',
    '128.0.0.1:80',
    '126.255.255.255:80',
    '169.253.0.1:80',
    '[fec0::1]:80',
    '[2001:db8::127.0.0.1]:80',
    '[::ffff:10.0.0.1]:80',
  ])('is not %s', (server) => {
    expect(network.specialPurpose(network.hostOf(server))).toBeUndefined();
  });
});

describe('a network', () => {
  it.each([
    ['127.0.0.0/8', '[::ffff:127.0.0.9]:1', true],
    ['127.0.0.0/8', '128.0.0.1:1', false],
    ['0.0.0.0/0', '10.0.0.1:1', true],
    ['0.0.0.0/0', '[::1]:1', false],
    ['10.0.0.128/25', '10.0.0.127:1', false],
    ['::1', '[::1]:1', true],
    ['::1', '[::2]:1', false],
    ['1:2:3:4:5:6:7::', '[1:2:3:4:5:6:7:0]:1', true],
    ['::2:3:4:5:6:7:8', '[0:2:3:4:5:6:7:8]:1', true],
    ['fe80::/10', '[fe90::1]:1', true],
  ])('is checked for %s and %s: %s', (name, server, inside) => {
    expect(network.contains(name, network.hostOf(server))).toBe(inside);
  });
});

it('the addresses of this host are read from what the kernel lists', () => {
  const trie = [
    'Main:',
    '  +-- 0.0.0.0/0 3 0 5',
    '     |-- 10.0.0.0',
    '        /24 link UNICAST',
    '     |-- 10.0.0.5',
    '        /32 host LOCAL',
    '     |-- 10.0.0.255',
    '        /32 link BROADCAST',
  ].join('\n');
  const ipv6 = 'fd000000000000000000000000000005 02 40 00 80     eth0\n';
  const own = network.hostAddresses(trie, ipv6);
  for (const server of ['10.0.0.5:80', '[fd00::5]:80', '[::ffff:10.0.0.5]:80'])
    expect(network.includes(own, network.hostOf(server))).toBe(true);
  for (const server of ['10.0.0.255:80', '10.0.0.0:80', '[fd00::6]:80'])
    expect(network.includes(own, network.hostOf(server))).toBe(false);
});

it('a host without addresses has none, and a line that follows no address is none', () => {
  expect(network.hostAddresses('', '')).toEqual([]);
  expect(network.hostAddresses('Main:\n        /32 host LOCAL', '')).toEqual([]);
});

it('an IPv6 address that begins with the bytes of an IPv4 address is another one', () => {
  const own = network.hostAddresses('', '0a000005000000000000000000000001 02 40 00 80     eth0\n');
  expect(network.includes(own, network.hostOf('[a00:5::1]:80'))).toBe(true);
  expect(network.includes(own, network.hostOf('10.0.0.5:80'))).toBe(false);
});
