import { describe, expect, it } from 'vitest';
import {
  EtcdError,
  type EtcdErrorCode,
  LeaseGoneError,
  messageOf,
  NginxError,
  SidekickError,
  UsageError,
} from '../../../src/core/errors.js';

describe('SidekickError', () => {
  it('has a code for programs, a message for people, and the error that caused it', () => {
    const error = new SidekickError('SOME_CODE', 'what happened', { cause: 'why' });
    expect(error).toMatchObject({
      name: 'SidekickError',
      code: 'SOME_CODE',
      message: 'what happened',
      cause: 'why',
    });
  });

  it('is also the error of a wrong command line', () => {
    const error = new UsageError('--port must be a number', { cause: 'why' });
    expect(error).toMatchObject({ name: 'UsageError', code: 'USAGE', message: '--port must be a number' });
    expect(error.cause).toBe('why');
    expect(error).toBeInstanceOf(SidekickError);
  });
});

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

  it('has the words of etcd on one line, and the error that caused it', () => {
    const error = new EtcdError('FAILED', 'one\ntwo', { cause: 'why' });
    expect(error).toMatchObject({ name: 'EtcdError', code: 'FAILED', message: 'one two', cause: 'why' });
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
    [299, true],
    [300, false],
    [301, false],
    [400, false],
    [404, false],
    [408, true],
    [409, false],
    [429, true],
    [499, false],
    [500, true],
    [503, true],
  ])('has for the status %s: retryable %s', (status, retryable) => {
    const error = new NginxError('UpstreamNotFound', 'no', { status });
    expect([error.status, error.retryable]).toEqual([status, retryable]);
  });

  it('has the words of NGINX on one line, and the error that caused it', () => {
    const error = new NginxError('Upstream\nNotFound', 'one\ntwo', { status: 404, cause: 'why' });
    expect(error).toMatchObject({
      name: 'NginxError',
      code: 'Upstream\\nNotFound',
      message: 'one two',
      status: 404,
      cause: 'why',
    });
  });

  it('has no status where there was no answer', () => {
    expect(new NginxError('UNREACHABLE', 'no connection')).toMatchObject({
      status: undefined,
      retryable: true,
    });
  });
});

describe('messageOf', () => {
  it('is the message of an error, and any other value as text, on one line', () => {
    expect(messageOf(new TypeError('one\ntwo'))).toBe('one two');
    expect(messageOf({ toString: () => 'one\ntwo' })).toBe('one two');
    expect(messageOf(undefined)).toBe('undefined');
  });
});
