import { beforeEach, describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import { DEFAULT_SERVICE_LIMITS } from '../../../src/core/admission.js';
import type { KeyValue } from '../../../src/core/ports.js';
import { readValue, withInstance } from '../../../src/core/registration-codec.js';
import { ServiceRegistrations } from '../../../src/core/service-registrations.js';

const ADDRESS = '[2001:db8::1]:80' as Address;
/** Two spellings of the address. */
const SHORT = '/services/firmware/[2001:db8::1]:80';
const LONG = '/services/firmware/[2001:db8:0::1]:80';

describe('what is known of a service', () => {
  let service: ServiceRegistrations;

  beforeEach(() => {
    service = new ServiceRegistrations('firmware', DEFAULT_SERVICE_LIMITS);
  });

  /** A key was written; returns how the instance went, if it did. */
  function put(key: string, revision: number, value: string) {
    const entry: KeyValue = { key, value, revision, lease: '7' };
    service.put(ADDRESS, entry, withInstance({ service: 'firmware', address: ADDRESS }, readValue(value)));
    return service.refresh(ADDRESS, revision);
  }

  function maintain(revision: number | undefined, now: number) {
    if (revision === undefined) service.maintenance.delete(ADDRESS);
    else service.maintenance.set(ADDRESS, { revision, said: {} });
    return service.refresh(ADDRESS, now);
  }

  const weight = () => service.desired.get(ADDRESS)?.parameters.weight;
  const undrained = () => service.instances.get(ADDRESS)?.undrained;

  it('is nothing at first, and nothing again once its last key is removed', () => {
    expect(service.isEmpty).toBe(true);
    expect(put(SHORT, 1, '')).toBeUndefined();
    expect(service.isEmpty).toBe(false);
    expect(service.remove(ADDRESS, SHORT)).toBe(true);
    expect(service.isEmpty).toBe(true);
    expect(service.remove(ADDRESS, SHORT)).toBe(false);
  });

  it.each<[string, (service: ServiceRegistrations) => void]>([
    ['a key is rejected', ({ rejected }) => rejected.set(SHORT, { key: SHORT, revision: 1, reason: 'bad' })],
    ['an operator drains one', ({ maintenance }) => maintenance.set(ADDRESS, { revision: 1, said: {} })],
    ['a key counts for its limits', ({ admission }) => admission.offer(SHORT, 1)],
  ])('is something while %s', (_, change) => {
    change(service);
    expect(service.isEmpty).toBe(false);
  });

  it.each([
    ['first', LONG, SHORT],
    ['last', SHORT, LONG],
  ])(
    'is what the newer of two keys says that spell an address differently, though it came %s',
    (_, ...keys) => {
      for (const key of keys) put(key, key === LONG ? 5 : 3, `{"weight":${key === LONG ? 5 : 3}}`);
      expect(weight()).toBe(5);
      expect(service.accepted).toBe(1);
      service.remove(ADDRESS, LONG);
      expect(service.refresh(ADDRESS, 6)).toBeUndefined();
      expect(weight()).toBe(3);
    },
  );

  it('is what a key said last that could be read', () => {
    put(SHORT, 1, '{"weight":2}');
    put(SHORT, 2, '{"weight":-1}');
    expect([weight(), service.accepted]).toEqual([2, 1]);
    put(SHORT, 3, '{"weight":4}');
    expect([weight(), service.accepted]).toEqual([4, 1]);
  });

  it('is not what another spelling of the address said last', () => {
    put(LONG, 1, '{"weight":2}');
    put(SHORT, 2, '{"weight":-1}');
    expect(service.desired.get(ADDRESS)?.intent).toBe('keep');
  });

  it('is what a key says now, also where etcd was restored and its revision is lower', () => {
    put(SHORT, 5, '{"weight":5}');
    put(SHORT, 2, '{"weight":2}');
    expect(weight()).toBe(2);
  });

  it('keeps an instance as it is where its key could never be read', () => {
    put(SHORT, 1, '{"weight":-1}');
    expect(service.desired.get(ADDRESS)?.intent).toBe('keep');
    expect(service.accepted).toBe(0);
  });

  it('says how an instance went, and knows nothing more of it', () => {
    put(SHORT, 1, '{"drain":true}');
    expect([...service.drainRequests]).toEqual([[ADDRESS, 1]]);
    service.remove(ADDRESS, SHORT);
    expect(service.refresh(ADDRESS, 2)).toMatchObject({
      service: 'firmware',
      address: ADDRESS,
      cause: { kind: 'deregistered' },
    });
    expect([service.instances.size, service.desired.size, service.drainRequests.size]).toEqual([0, 0, 0]);
    expect(service.accepted).toBe(0);
    expect(service.refresh(ADDRESS, 3)).toBeUndefined();
  });

  it('has a request to drain until it is taken back', () => {
    put(SHORT, 1, '{"drain":true}');
    put(SHORT, 2, '');
    expect(service.drainRequests.size).toBe(0);
  });

  it('knows at which revision an operator ended a drain, until the key is written again', () => {
    put(SHORT, 1, '');
    service.refresh(ADDRESS, 1);
    expect(service.instances.get(ADDRESS)).not.toHaveProperty('undrained');
    maintain(2, 2);
    expect(undrained()).toBeUndefined();
    expect([...service.drainRequests]).toEqual([[ADDRESS, 2]]);
    maintain(undefined, 3);
    expect(undrained()).toBe(3);
    service.refresh(ADDRESS, 4);
    expect(undrained()).toBe(3);
    put(SHORT, 5, '');
    expect(undrained()).toBeUndefined();
    expect(service.instances.get(ADDRESS)).not.toHaveProperty('undrained');
  });

  it('does not say that a drain was ended where the key was written meanwhile', () => {
    put(SHORT, 1, '');
    maintain(2, 2);
    service.maintenance.delete(ADDRESS);
    put(SHORT, 4, '');
    expect(undrained()).toBeUndefined();
  });
});
