import { describe, expect, it } from 'vitest';
import { type Address, type Networks, parseAddress, parseNetwork } from '../../../src/core/address.js';
import { meansAnyOf, refusedAddress, withoutSpecial } from '../../../src/core/address-policy.js';
import { fc } from '../../support/property.js';

function networks(...texts: string[]): Networks {
  return texts.map((text) => {
    const network = parseNetwork(text);
    if (!network.ok) throw new Error(network.reason);
    return network.value;
  });
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
}

const OWN = networks('10.0.0.5', '2001:db8::5', '172.17.0.1', '127.0.0.0/8', '10.9.0.0/16');

const refused = (text: string, allow: Record<string, Networks> = {}) =>
  refusedAddress('firmware', address(text), allow, OWN);

const DANGEROUS = [
  ['127.0.0.1:8080', /loopback/],
  ['127.255.0.9:80', /loopback/],
  ['[::1]:80', /loopback/],
  ['[::ffff:127.0.0.1]:80', /loopback/],
  ['[::ffff:7f00:1]:80', /loopback/],
  ['[::7f00:1]:80', /loopback/],
  ['[64:ff9b::127.0.0.1]:80', /loopback/],
  ['[::ffff:0:127.0.0.1]:80', /loopback/],
  ['[2002:7f00:1::]:80', /loopback/],
  ['169.254.169.254:80', /link-local/],
  ['[fe80::1]:80', /link-local/],
  ['[::ffff:169.254.169.254]:80', /link-local/],
  ['0.0.0.0:80', /unspecified/],
  ['0.0.0.1:80', /unspecified/],
  ['[::]:80', /unspecified/],
  ['[::ffff:0.0.0.0]:80', /unspecified/],
  ['224.0.0.1:80', /multicast/],
  ['[ff02::1]:80', /multicast/],
  ['255.255.255.255:80', /broadcast/],
  ['10.0.0.5:80', /load balancer's own addresses/],
  ['172.17.0.1:80', /load balancer's own addresses/],
  ['10.9.4.4:80', /load balancer's own addresses/],
  ['[::ffff:10.0.0.5]:80', /load balancer's own addresses/],
  ['[2001:db8::5]:80', /load balancer's own addresses/],
  ['[2001:DB8:0::5]:80', /load balancer's own addresses/],
] as const;

describe('an address where no server may be', () => {
  it.each(DANGEROUS)('is %s, without a word in allow', (text, reason) => {
    expect(refused(text)).toMatch(reason);
  });

  it.each(['10.0.0.4:80', '8.8.8.8:80', '[2001:db8::6]:80', '[::ffff:10.0.0.4]:80'])('is not %s', (text) => {
    expect(refused(text)).toBeUndefined();
  });

  it.each(DANGEROUS)('is %s in spite of a wider network that holds it by chance', (text) => {
    const wide = networks(
      '10.0.0.0/8',
      '172.16.0.0/12',
      '126.0.0.0/7',
      '168.0.0.0/5',
      '2000::/3',
      '0.0.0.0/1',
      '128.0.0.0/1',
      '::/1',
      '8000::/1',
    );
    expect(refused(text, { firmware: wide })).toBeDefined();
  });

  it.each(DANGEROUS)('is not %s where everything is allowed', (text) => {
    expect(refused(text, { '*': networks('0.0.0.0/0', '::/0') })).toBeUndefined();
  });

  it.each([
    ['127.0.0.1:80', '127.0.0.0/8'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]:80', '::1'],
    ['169.254.1.1:80', '169.254.0.0/16'],
    ['10.0.0.5:80', '10.0.0.5/32'],
    ['[2001:db8::5]:80', '2001:db8::5'],
    ['[fe80::1]:80', 'fe80::/10'],
  ])('is not %s where %s is allowed', (text, network) => {
    expect(refused(text, { firmware: networks(network) })).toBeUndefined();
    expect(refused(text, { '*': networks(network) })).toBeUndefined();
    expect(refused(text, { '*': networks(network), firmware: networks('10.1.0.0/16') })).toBeDefined();
  });

  it('is outside of all networks of its service, or of the networks for every other service', () => {
    expect(refused('10.2.0.1:80', { firmware: networks('10.1.0.0/16') })).toMatch(/none of the networks/);
    expect(refused('10.2.0.1:80', { '*': networks('10.1.0.0/16') })).toMatch(/none of the networks/);
    expect(refused('10.2.0.1:80', { mqtt: networks('10.1.0.0/16') })).toBeUndefined();
    expect(
      refused('10.2.0.1:80', { '*': networks('10.1.0.0/16'), firmware: networks('10.2.0.0/16') }),
    ).toBeUndefined();
  });

  it('is reported with what to add to allow, and adding that allows it', () => {
    for (const [text] of DANGEROUS) {
      let allow: Networks = networks('0.0.0.0/0').slice(1);
      for (let i = 0; i < 3 && refused(text, { firmware: allow }); i++) {
        const reason = refused(text, allow.length > 0 ? { firmware: allow } : {}) ?? '';
        const single = /add (\S+) to allow/.exec(reason)?.[1];
        allow = [...allow, ...networks(single ?? address(text).replace(/:\d+$/, '').replace(/[[\]]/g, ''))];
      }
      expect([text, refused(text, { firmware: allow })]).toEqual([text, undefined]);
    }
  });

  it('never is a loopback address in any spelling, and checking one never throws', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV6(), (v4, v6) => {
        for (const text of [`${v4}:80`, `[${v6}]:80`, `[::ffff:${v4}]:80`]) {
          const parsed = parseAddress(text);
          if (!parsed.ok) continue;
          const reason = refusedAddress('firmware', parsed.value, {}, OWN);
          if (v4.startsWith('127.') && text.includes(v4)) expect(reason).toMatch(/loopback/);
        }
      }),
    );
  });
});

describe('withoutSpecial', () => {
  const special = ['127.0.0.0/8', '127.0.0.1', '::1', 'fe80::42:acff:fe11:2', '169.254.0.7', '0.0.0.0'];

  it('returns the networks outside of the special ranges, and those that are wider', () => {
    const wide = ['10.0.0.5', '2001:db8::5', '172.17.0.1', '126.0.0.0/7', 'fe00::/9', '0.0.0.0/0'];
    expect(withoutSpecial(networks(...special, ...wide))).toEqual(networks(...wide));
  });

  it('leaves nothing out that would refuse an address', () => {
    const own = [...OWN, ...networks(...special)];
    const ipv4 = fc.ipV4().filter((ip) => !ip.startsWith('0'));
    const hosts = fc.oneof(
      ipv4,
      fc.constantFrom('127.9.9.9', '10.0.0.5', '10.9.1.1', '169.254.0.7'),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.constantFrom('[::1]', '[fe80::42:acff:fe11:2]', '[::ffff:10.0.0.5]', '[2001:db8::5]'),
    );
    const allow = { firmware: networks('127.9.0.0/16', '0.0.0.0/0') };
    fc.assert(
      fc.property(hosts, fc.constantFrom({}, allow), (host, allowed) => {
        const at = parseAddress(`${host}:80`);
        if (!at.ok) return;
        expect(refusedAddress('firmware', at.value, allowed, withoutSpecial(own))).toBe(
          refusedAddress('firmware', at.value, allowed, own),
        );
      }),
    );
  });
});

describe('meansAnyOf', () => {
  it('looks at an address in each of its meanings', () => {
    const own = networks('10.0.0.5');
    expect(meansAnyOf(address('10.0.0.5:80'), own)).toBe(true);
    expect(meansAnyOf(address('[::ffff:10.0.0.5]:80'), own)).toBe(true);
    expect(meansAnyOf(address('10.0.0.6:80'), own)).toBe(false);
    expect(meansAnyOf(address('[2001:db8::5]:80'), own)).toBe(false);
  });
});
