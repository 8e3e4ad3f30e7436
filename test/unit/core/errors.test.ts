import { describe, expect, it } from 'vitest';
import { EtcdError, type EtcdErrorCode, LeaseGoneError, NginxError } from '../../../src/core/errors.js';

describe('EtcdError', () => {
  const cases: readonly (readonly [EtcdErrorCode, retryable: boolean, refused: boolean])[] = [
    ['UNREACHABLE', true, false],
    ['TIMEOUT', true, false],
    ['FAILED', true, false],
    ['COMPACTED', true, false],
    ['LEASE_GONE', true, false],
    ['TOKEN_REFUSED', true, true],
    ['DENIED', false, true],
    ['AUTH_FAILED', false, true],
    ['NO_SPACE', false, true],
    ['TOO_LARGE', false, true],
    ['REFUSED', false, true],
  ];

  it.each(cases)('has for the code %s: retryable %s, refused %s', (code, retryable, refused) => {
    const error = new EtcdError(code, 'words');
    expect([error.retryable, error.refused]).toEqual([retryable, refused]);
  });

  it('is also the error of a lost lease, which names the lease', () => {
    const error = new LeaseGoneError('42', { cause: 'why' });
    expect(error).toMatchObject({ name: 'LeaseGoneError', code: 'LEASE_GONE', cause: 'why' });
    expect(error.message).toBe('lease 42 is gone');
    expect(error).toBeInstanceOf(EtcdError);
  });
});

describe('NginxError', () => {
  it.each([
    [undefined, true],
    [200, true],
    [301, false],
    [400, false],
    [404, false],
    [408, true],
    [409, false],
    [429, true],
    [500, true],
    [503, true],
  ])('has for the status %s: retryable %s', (status, retryable) => {
    const error = new NginxError('UpstreamNotFound', 'no', { status });
    expect([error.status, error.retryable]).toEqual([status, retryable]);
  });
});
