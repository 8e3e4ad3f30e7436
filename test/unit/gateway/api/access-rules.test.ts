import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Caller,
  findRefusal,
  isAuthenticated,
  type Policy,
} from '../../../../src/gateway/api/access-rules.js';
import { fc } from '../../../support/property.js';

const POLICY: Policy = { hosts: ['lb.example', 'gateway'], openReads: false };
const READ: Caller = {
  method: 'GET',
  scheme: 'http',
  host: '10.0.0.2',
  authority: '10.0.0.2:8080',
  origin: '',
  contentType: '',
  proxied: false,
  authorization: '',
  certificate: false,
  loopback: false,
};
const WRITE: Caller = { ...READ, method: 'POST', contentType: 'application/json' };

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();

function refused(caller: Partial<Caller>, base = WRITE): string {
  return findRefusal({ ...base, ...caller }, POLICY)?.code ?? '';
}

function enters(caller: Caller, tokens = '', policy = POLICY): boolean {
  return isAuthenticated(caller, policy, () => tokens, sha256);
}

describe('the host of a request', () => {
  it.each(['', 'localhost', '127.0.0.1', '10.1.2.3', '[::1]', '[fe80::1]', 'lb.example', 'gateway'])(
    'is accepted as "%s"',
    (host) => expect(refused({ host })).toBe(''),
  );

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '[::1].evil',
    '1.2.3',
    'x'.repeat(9999),
  ])('is refused as "%s", also for a read', (host) => {
    expect(refused({ host })).toBe('HostNotAllowed');
    expect(refused({ host }, READ)).toBe('HostNotAllowed');
  });
});

describe('the origin of a page', () => {
  it('is accepted as the API itself', () => {
    expect(refused({ origin: 'http://10.0.0.2:8080' })).toBe('');
    expect(refused({ origin: 'HTTPS://LB.example', authority: 'lb.example', scheme: 'https' })).toBe('');
  });

  it.each([
    'null',
    'http://evil.example',
    'https://10.0.0.2:8080',
    'http://10.0.0.2',
    'http://10.0.0.2:8081',
  ])('is refused as %s', (origin) => expect(refused({ origin })).toBe('OriginNotAllowed'));
});

describe('the content type of a change', () => {
  it.each(['', 'application/json', 'application/json; charset=utf-8', 'Application/JSON'])(
    'is accepted as "%s"',
    (contentType) => expect(refused({ contentType })).toBe(''),
  );

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
  ])('is refused as %s, which a page of another origin can send', (contentType) =>
    expect(refused({ contentType })).toBe('UnsupportedMediaType'),
  );

  it('is accepted as text from a page of the same origin, as browsers send strings', () =>
    expect(refused({ contentType: 'text/plain;charset=UTF-8', origin: 'http://10.0.0.2:8080' })).toBe(''));
});

it('a change through a proxy is refused whatever its headers say', () => {
  expect(refused({ proxied: true, authorization: 'Bearer token', certificate: true, loopback: true })).toBe(
    'ProxyNotAllowed',
  );
  expect(refused({ proxied: true }, READ)).toBe('');
});

describe('a request without a user and password', () => {
  it('is accepted as a read from this host, and from elsewhere where reads are open', () => {
    expect(enters({ ...READ, loopback: true })).toBe(true);
    expect(enters(READ)).toBe(false);
    expect(enters(READ, '', { ...POLICY, openReads: true })).toBe(true);
  });

  it('needs a credential as a read through a proxy', () => {
    const caller = { ...READ, loopback: true, proxied: true };
    expect(enters(caller, 'secret', { ...POLICY, openReads: true })).toBe(false);
    expect(enters({ ...caller, authorization: 'Bearer secret' }, 'secret')).toBe(true);
  });

  it('needs a certificate or a token as a change, from this host too', () => {
    const caller = { ...WRITE, loopback: true };
    expect(enters(caller, 'secret', { ...POLICY, openReads: true })).toBe(false);
    expect(enters({ ...caller, certificate: true })).toBe(true);
    expect(enters({ ...caller, authorization: 'Bearer secret' }, 'secret')).toBe(true);
  });

  it('is accepted with any of several tokens, and with nothing else', () => {
    const tokens = 'first\nsecond \r\n\n';
    const bearing = (authorization: string) => enters({ ...WRITE, authorization }, tokens);
    expect(['Bearer first', 'bearer second'].map(bearing)).toEqual([true, true]);
    expect(
      [
        'Bearer ',
        'Bearer',
        'Bearer  first',
        'Bearer firs',
        'Basic first',
        'first',
        `Bearer ${'x'.repeat(9999)}`,
      ].map(bearing),
    ).not.toContain(true);
  });

  it('is refused with any other token', () =>
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (shown, token) => {
        fc.pre(shown !== token.trim());
        expect(enters({ ...WRITE, authorization: `Bearer ${shown}` }, token)).toBe(false);
      }),
    ));

  it('is refused if the file has no token', () =>
    fc.assert(
      fc.property(fc.string(), (shown) => {
        expect(enters({ ...WRITE, authorization: `Bearer ${shown}` }, '\n \n')).toBe(false);
      }),
    ));
});
