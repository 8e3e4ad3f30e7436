import { describe, expect, it } from 'vitest';
import { EtcdError, type EtcdErrorCode } from '../../../src/core/errors.js';
import { CONNECTED, conditionOf, withRemedy } from '../../../src/core/etcd-state.js';

describe('the condition of etcd', () => {
  it('has no error while it is connected', () => {
    expect(CONNECTED).toEqual({ state: 'connected' });
  });

  it.each<[EtcdErrorCode, string]>([
    ['UNREACHABLE', 'unavailable'],
    ['TIMEOUT', 'unavailable'],
    ['DENIED', 'refused'],
    ['NO_SPACE', 'refused'],
  ])('is after the error %s %s', (code, state) => {
    expect(conditionOf(new EtcdError(code, 'words of etcd'))).toMatchObject({
      state,
      error: expect.stringMatching(/^words of etcd/),
    });
  });

  it('is unavailable after any other error, with the message of the error', () => {
    expect(conditionOf(new Error('broken'))).toEqual({ state: 'unavailable', error: 'broken' });
  });
});

describe('withRemedy', () => {
  it.each<[EtcdErrorCode, string]>([
    ['NO_SPACE', 'etcdctl alarm disarm'],
    ['DENIED', 'etcd.username'],
    ['AUTH_FAILED', 'etcd.passwordFile'],
    ['TOKEN_REFUSED', 'etcd.passwordFile'],
    ['TIMEOUT', 'etcdctl endpoint status --cluster'],
  ])('says what to do about %s', (code, remedy) => {
    const told = withRemedy(new EtcdError(code, 'words of etcd'));
    expect(told).toMatch(/^words of etcd; /);
    expect(told).toContain(remedy);
  });

  it('adds nothing where no remedy is known', () => {
    expect(withRemedy(new EtcdError('UNREACHABLE', 'no connection'))).toBe('no connection');
    expect(withRemedy('broken')).toBe('broken');
  });
});
