import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import {
  type Address,
  differingNetworks,
  hostOf,
  isWithin,
  parseAddress,
  parseNetwork,
  splitHostPort,
} from '../../../src/core/address.js';
import { fc } from '../../support/property.js';

const GOOD: readonly [string, string][] = [
  ['10.0.0.11:8080', '10.0.0.11:8080'],
  ['[::1]:8080', '[::1]:8080'],
  ['[2001:DB8:0:0:0:0:0:1]:80', '[2001:db8::1]:80'],
  ['[2001:db8::0001]:1', '[2001:db8::1]:1'],
  ['255.255.255.255:65535', '255.255.255.255:65535'],
  ['10.0.0.1:0080', '10.0.0.1:80'],
];

const BAD: readonly [string, RegExp][] = [
  ['', /host:port/],
  ['10.0.0.1', /host:port/],
  ['10.0.0.1:', /host:port/],
  [':80', /host:port/],
  ['10.0.0.1:0', /1 to 65535/],
  ['10.0.0.1:70000', /1 to 65535/],
  ['10.0.0.1:8080x', /host:port/],
  ['10.0.0.1:80:80', /host:port/],
  ['example.org:80', /IP address/],
  ['10.0.1:80', /IP address/],
  ['010.0.0.1:80', /IP address/],
  ['0x7f000001:80', /IP address/],
  ['256.0.0.1:80', /IP address/],
  ['::1:80', /host:port/],
  ['[::1%eth0]:80', /IP address/],
  ['[10.0.0.1]:80', /IP address/],
  ['10.0.0.1:80 weight=5', /host:port/],
  ['10.0.0.1:80\n', /host:port/],
  [`[${'0'.repeat(60)}]:1`, /IP address/],
  [`[${'0'.repeat(61)}]:1`, /host:port/],
  ['10.0.0.1:65536', /, got "65536"/],
  ['[::1]]:80', /host:port/],
];

describe('parseAddress', () => {
  it.each(GOOD)('reads %s as %s', (text, canonical) => {
    expect(parseAddress(text)).toEqual({ ok: true, value: canonical });
  });

  it.each(BAD)('refuses %j', (text, reason) => {
    expect(parseAddress(text)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
  });

  it('never throws, and parses its own result to the same address', () => {
    const hosts = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((v6) => `[${v6}]`),
      fc.string(),
    );
    fc.assert(
      fc.property(hosts, fc.integer({ min: 0, max: 70_000 }), (host, port) => {
        const parsed = parseAddress(`${host}:${port}`);
        if (parsed.ok) expect(parseAddress(parsed.value)).toEqual(parsed);
        if (parsed.ok) expect(splitHostPort(parsed.value)?.port).toBe(port);
      }),
    );
  });

  it('takes the dotted decimal notation of IPv4 alone, in which each address has one spelling', () => {
    const part = fc.oneof(
      fc.integer({ min: 0, max: 300 }).map(String),
      fc.constantFrom('', '00', '01', '0x1', '1e1', '010'),
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const host = parts.join('.');
        expect(parseAddress(`${host}:80`).ok).toBe(ipaddr.IPv4.isValidFourPartDecimal(host));
      }),
      { examples: [[['10', '0', '0', '1']], [['255', '255', '255', '255']], [['256', '0', '0', '1']]] },
    );
  });

  it('gives two spellings of one IPv6 address one canonical form', () => {
    fc.assert(
      fc.property(fc.ipV6(), (v6) => {
        const plain = parseAddress(`[${v6}]:80`);
        const upper = parseAddress(`[${v6.toUpperCase()}]:80`);
        expect(upper).toEqual(plain);
      }),
    );
  });
});

describe('hostOf', () => {
  it.each([
    ['10.0.0.1:80', '10.0.0.1'],
    ['[2001:db8::1]:1883', '2001:db8::1'],
  ])('returns for %s the host %s', (text, host) => {
    expect(hostOf(text as Address)).toBe(host);
  });
});

describe('splitHostPort', () => {
  it.each([
    ['lb.example:80', 'lb.example', 80],
    ['10.0.0.1:0', '10.0.0.1', 0],
    ['[::1]:99999', '::1', 99_999],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
  ])('splits %s into %s and %i', (text, host, port) => {
    expect(splitHostPort(text)).toEqual({ host, port });
  });

  it.each(['', 'lb', 'lb:', ':80', 'lb:port', 'lb:123456', '::1:80', '[::1]', 'lb :80', '[]:80', 'a[b]:80'])(
    'refuses %j',
    (text) => {
      expect(splitHostPort(text)).toBeUndefined();
    },
  );
});

function network(text: string) {
  const parsed = parseNetwork(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

describe('networks', () => {
  it.each([
    ['10.0.0.1:80', ['10.0.0.0/8'], true],
    ['11.0.0.1:80', ['10.0.0.0/8'], false],
    ['11.0.0.1:80', ['10.0.0.0/8', '11.0.0.1'], true],
    ['[2001:db8::1]:80', ['2001:db8::/32'], true],
    ['[2001:db9::1]:80', ['2001:db8::/32'], false],
    ['[2001:db8::2]:80', ['2001:db8::1'], false],
    ['[::1]:80', ['0.0.0.0/0'], false],
    ['[::ffff:10.0.0.1]:80', ['10.0.0.0/8'], true],
    ['10.0.0.1:80', [], false],
  ])('the address %s is within %j: %s', (text, networks, within) => {
    expect(isWithin(text as Address, networks.map(network))).toBe(within);
  });

  it.each(['', '10.0.0.0/33', '10.0.0.0/x', 'localhost', '10.0.0.0/'])('the list %j is refused', (text) => {
    expect(parseNetwork(text)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('must be an IP network'),
    });
  });
});

describe('differingNetworks', () => {
  it.each([
    [[], [], []],
    [['10.0.0.1'], [], ['10.0.0.1']],
    [[], ['10.0.0.1'], ['10.0.0.1']],
    [
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.2', '10.0.0.3'],
      ['10.0.0.1', '10.0.0.3'],
    ],
    [['10.0.0.0/8'], ['10.0.0.0/16'], ['10.0.0.0/8', '10.0.0.0/16']],
    [['2001:db8::1', '10.0.0.1'], ['10.0.0.1', '2001:db8:0::1'], []],
  ])('returns of %j and %j those in one alone: %j', (one, other, differing) => {
    expect(differingNetworks(one.map(network), other.map(network))).toEqual(differing.map(network));
  });
});
