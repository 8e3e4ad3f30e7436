import { describe, expect, it } from 'vitest';
import * as address from '../../../../src/gateway/model/address.js';
import { fc } from '../../../support/property.js';

describe('address', () => {
  it.each([
    ['10.0.0.1:8080', '10.0.0.1:8080'],
    ['10.0.0.1', '10.0.0.1:80'],
    ['10.0.0.1:080', '10.0.0.1:80'],
    ['[::1]', '[::1]:80'],
    ['[FE80::1]:8080', '[fe80::1]:8080'],
    ['[1:2:3:4:5:6:7:8]:1', '[1:2:3:4:5:6:7:8]:1'],
    ['[::ffff:10.0.0.1]:80', '[::ffff:10.0.0.1]:80'],
    ['[::]:80', '[::]:80'],
    ['10.0.0.1:65535', '10.0.0.1:65535'],
  ])('reads %s as %s', (text, server) => {
    expect(address.parse(text, 80)).toEqual({ server, error: '' });
  });

  it.each([
    ['10.0.0.1:0', 'port'],
    ['10.0.0.1:70000', 'port'],
    ['10.0.0.1:', 'port'],
    ['10.0.0.1:http', 'port'],
    ['10.0.0.1:80x', 'port'],
    ['[::1]x:80', 'port'],
    ['10.0.0.1:65536', 'port'],
    ['10.0.0.256:80', 'host'],
    ['10.0.0:80', 'host'],
    ['[::1:80', 'host'],
    ['[:::]:80', 'host'],
    ['[1:2:3]:80', 'host'],
    ['[1:2:3:4:5:6:7:8::]:80', 'host'],
    ['[1:2:3:4::5:6:7:8]:80', 'host'],
    ['[1::2::3]:80', 'host'],
    ['[g::1]:80', 'host'],
    ['[::1g]:80', 'host'],
    ['[::12345]:80', 'host'],
    ['[', 'host'],
    [':80', 'host'],
    ['::1', 'host'],
    ['', 'host'],
    ['a b:80', 'host'],
    ['-a:80', 'host'],
    ['backend.example.com:80', 'name'],
    ['backend', 'name'],
    ['a', 'name'],
    ['a.b', 'name'],
  ])('refuses %j because of its %s', (text, error) => {
    expect(address.parse(text, 80).error).toBe(error);
  });

  it('names no server where it refuses the text', () => {
    for (const text of ['10.0.0.256:80', '10.0.0.1:0']) expect(address.parse(text, 80).server).toBe('');
  });

  it('refuses a name that is too long, and a text that is too long before it looks at its port', () => {
    const longest = 'a'.repeat(253);
    expect(address.parse(longest, 80).error).toBe('name');
    expect(address.parse(`${longest}a`, 80).error).toBe('host');
    expect(address.parse(`${longest}:123456`, 80).error).toBe('port');
    expect(address.parse(`${longest}:1234567`, 80)).toEqual({ server: '', error: 'host' });
  });

  it('requires a port where there is no default', () => {
    expect(address.parse('10.0.0.1', 0).error).toBe('no port');
    expect(address.parse('[::1]', 0).error).toBe('no port');
    expect(address.parse('10.0.0.1:1883', 0)).toEqual({ server: '10.0.0.1:1883', error: '' });
  });

  it('reads its own result unchanged', () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
    );
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65535 }), (ip, port) => {
        const once = address.parse(`${ip}:${port}`, 80);
        expect(once.error).toBe('');
        expect(address.parse(once.server, 80)).toEqual(once);
      }),
    );
  });

  it('never throws, whatever it is given', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof address.parse(text, 80).error === 'string'));
  });
});
