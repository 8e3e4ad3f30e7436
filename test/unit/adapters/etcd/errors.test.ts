import { EtcdLeaseInvalidError, EtcdPermissionDeniedError, GRPCUnavailableError } from 'etcd3';
import { describe, expect, it } from 'vitest';
import { toEtcdError } from '../../../../src/adapters/etcd/errors.js';
import { LeaseGoneError } from '../../../../src/core/errors.js';

/** As gRPC throws them where etcd3 has not seen them, such as on a stream. */
function grpc(code: number, details: string): Error {
  return Object.assign(new Error(`${code} X: ${details}`), { code, details });
}

describe('toEtcdError', () => {
  it.each([
    ['UNREACHABLE', true, new GRPCUnavailableError('14 UNAVAILABLE: No connection established')],
    ['UNREACHABLE', true, grpc(14, 'etcdserver: no leader')],
    ['TIMEOUT', true, grpc(4, 'Deadline exceeded')],
    ['DENIED', false, new EtcdPermissionDeniedError('7: etcdserver: permission denied')],
    ['DENIED', false, grpc(7, 'etcdserver: permission denied')],
    ['AUTH_FAILED', false, grpc(3, 'etcdserver: authentication failed, invalid user ID or password')],
    ['TOKEN_REFUSED', true, grpc(16, 'the token was refused: invalid auth token')],
    ['FAILED', true, grpc(8, 'etcdserver: too many requests')],
    ['REFUSED', false, grpc(3, 'etcdserver: request is too large')],
    ['NO_SPACE', false, grpc(8, 'etcdserver: mvcc: database space exceeded')],
    ['COMPACTED', true, grpc(11, 'etcdserver: mvcc: required revision has been compacted')],
    ['TOO_LARGE', false, grpc(9, 'Received message larger than max (20000000 vs 16777216)')],
  ])('gives %s a code and a retryable flag: %s', (code, retryable, error) => {
    expect(toEtcdError(error)).toMatchObject({ code, retryable, cause: expect.anything() as unknown });
  });

  it.each([new EtcdLeaseInvalidError('7'), grpc(5, 'etcdserver: requested lease not found')])(
    'recognises a lost lease: %s',
    (error) => {
      const gone = toEtcdError(error, '7');
      expect(gone).toBeInstanceOf(LeaseGoneError);
      expect(gone.message).toBe('lease 7 is gone');
    },
  );

  it("leaves this project's own errors as they are", () => {
    const gone = new LeaseGoneError('7');
    expect(toEtcdError(gone)).toBe(gone);
  });
});
