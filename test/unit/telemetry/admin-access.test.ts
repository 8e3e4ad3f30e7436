import { describe, expect, it } from 'vitest';
import { findRefusal, type Secrecy } from '../../../src/telemetry/admin-access.js';

const TOKEN = 'a-token-of-some-length';
const HOST = { host: '127.0.0.1:9464' };
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

function statusOf(
  headers: Record<string, string>,
  {
    remote = '127.0.0.1',
    secrecy = 'private' as Secrecy,
    token = undefined as string | undefined,
    ownName = 'lb1',
  } = {},
): number {
  return findRefusal({ headers, remote }, secrecy, token, ownName)?.status ?? 200;
}

describe('without a token', () => {
  it.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])(
    'answers this host what is private: %s',
    (remote) => {
      expect(statusOf(HOST, { remote })).toBe(200);
    },
  );

  it.each(['10.0.0.7', '::ffff:10.0.0.7', '2001:db8::1', undefined])(
    'answers no other host: %s',
    (remote) => {
      expect(statusOf({ host: '10.0.0.1:9464' }, { remote: remote ?? '' })).toBe(403);
      expect(findRefusal({ headers: HOST, remote }, 'private', undefined)?.reason).toContain(
        'admin.tokenFile',
      );
    },
  );

  it.each(['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])(
    'answers nothing that a proxy passes on: %s',
    (name) => {
      expect(statusOf({ ...HOST, [name]: '10.0.0.7' })).toBe(403);
    },
  );

  it.each(['localhost', 'localhost:9999', '127.0.0.1', '[::1]:9464', '10.1.2.3:80', 'lb1:9464', 'LB1'])(
    'a host that no page can have is answered: %s',
    (host) => {
      expect(statusOf({ host })).toBe(200);
      expect(statusOf({ host }, { secrecy: 'metrics' })).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:9464',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '',
    '1.2.3',
  ])('a name that a page may have let point here is refused: "%s"', (host) => {
    expect(statusOf({ host })).toBe(403);
    expect(statusOf({ host }, { secrecy: 'metrics' })).toBe(403);
    expect(statusOf({ host }, { secrecy: 'health' })).toBe(200);
  });

  it('metrics are for anyone, by any name', () => {
    expect(statusOf({ host: 'lb1.example.com:9464' }, { remote: '10.0.0.9', secrecy: 'metrics' })).toBe(200);
  });
});

describe('with a token', () => {
  const asked = { token: TOKEN, remote: '10.0.0.7' };

  it.each([
    ['a bearer token', `Bearer ${TOKEN}`],
    ['a bearer token in lower case', `bearer ${TOKEN}`],
    ['the password of any user', basic(`ops:${TOKEN}`)],
    ['the password of nobody', basic(`:${TOKEN}`)],
  ])('%s is taken, by whatever name it is called', (_what, authorization) => {
    expect(statusOf({ host: 'lb1.example.com', authorization }, asked)).toBe(200);
    expect(statusOf({ ...HOST, authorization }, { token: TOKEN })).toBe(200);
  });

  it.each([
    ['another one', 'Bearer wrong'],
    ['a part of it', `Bearer ${TOKEN.slice(0, -1)}`],
    ['it as a user', basic(`${TOKEN}:`)],
    ['it without a scheme', TOKEN],
    ['another scheme', `Digest ${TOKEN}`],
    ['no base64', 'Basic ¿¿¿'],
    ['a long one', `Bearer ${'x'.repeat(100_000)}`],
    ['nothing', ''],
  ])('%s is wrong', (_what, authorization) => {
    const refusal = findRefusal(
      { headers: { ...HOST, authorization }, remote: '10.0.0.7' },
      'private',
      TOKEN,
    );
    expect(refusal).toEqual({ status: 401, reason: 'the credential is wrong', wrongCredential: true });
  });

  it('is asked for on this host too, and for metrics, but not for health', () => {
    expect(statusOf(HOST, { token: TOKEN })).toBe(401);
    expect(statusOf(HOST, { token: TOKEN, secrecy: 'metrics' })).toBe(401);
    expect(statusOf(HOST, { token: TOKEN, secrecy: 'health' })).toBe(200);
  });
});

describe('a page of another origin', () => {
  const authorization = `Bearer ${TOKEN}`;

  it.each([
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
  ])('reads nothing, with a credential or without: %o', (headers) => {
    expect(statusOf({ ...HOST, ...headers })).toBe(403);
    expect(statusOf({ ...HOST, ...headers, authorization }, { token: TOKEN })).toBe(403);
  });

  it('has a link to the dashboard that may be followed', () => {
    expect(statusOf({ ...HOST, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(200);
  });

  it('is not the dashboard itself', () => {
    expect(statusOf({ ...HOST, origin: 'http://127.0.0.1:9464', 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(statusOf({ host: 'lb1', origin: 'https://lb1', authorization }, { token: TOKEN })).toBe(200);
  });
});
