import type { PeerCertificate } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { tlsConnectOptions } from '../../../src/adapters/tls-connect-options.js';

/** A certificate for one IP address. */
const PEER = { subject: {}, subjectaltname: 'IP Address:10.0.0.1' } as unknown as PeerCertificate;

describe('tlsConnectOptions', () => {
  // Regression: Node.js warns of an IP address in SNI (DEP0123), and will ignore it.
  it.each([
    ['10.0.0.1', undefined],
    ['::1', undefined],
    ['[::1]', undefined],
    ['lb.example', '10.0.0.1'],
    ['lb.example', '2001:db8::1'],
  ])('sends no SNI to the host %s with the server name %s', (host, serverName) => {
    expect(tlsConnectOptions(serverName === undefined ? {} : { serverName }, host).servername).toBe('');
  });

  it('sends the given server name, or the host', () => {
    expect(tlsConnectOptions({}, 'lb.example').servername).toBe('lb.example');
    expect(tlsConnectOptions({ serverName: 'other.example' }, '10.0.0.1').servername).toBe('other.example');
  });

  it('expects a given server name in the certificate, also an IP address', () => {
    const check = (serverName: string) =>
      tlsConnectOptions({ serverName }, 'lb.example').checkServerIdentity?.('lb.example', PEER);
    expect(check('10.0.0.1')).toBeUndefined();
    expect(check('10.0.0.2')).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('accepts any certificate only when configured to', () => {
    expect(tlsConnectOptions({}, 'lb.example').rejectUnauthorized).toBe(true);
    expect(tlsConnectOptions({ insecure: true }, 'lb.example').rejectUnauthorized).toBe(false);
  });
});
