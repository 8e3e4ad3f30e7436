import { describe, expect, it } from 'vitest';
import type { Address } from '../../../src/core/address.js';
import type { InstanceRecord } from '../../../src/core/desired.js';
import { type GoneInstance, GoneInstances, goneInstance } from '../../../src/core/gone-instances.js';
import { readValue, withInstance } from '../../../src/core/registration-codec.js';

const INSTANCE = { service: 'firmware', address: '10.0.0.1:80' as Address };

function record(value: string, lease?: string): InstanceRecord {
  const entry = { key: 'k', value, revision: 3, ...(lease === undefined ? {} : { lease }) };
  return { entry, decoded: withInstance(INSTANCE, readValue(value)) };
}

describe('goneInstance', () => {
  it.each([
    ['one that asked to drain was deregistered', record('{"drain":true}', '7'), 'deregistered'],
    ['a key without a lease was deleted', record('{}'), 'key-deleted'],
    ['a key with a lease: it is not known', record('{}', '7'), 'key-gone'],
    ['a key whose value is bad is no different', record('{"weight":-1}', '7'), 'key-gone'],
  ])('%s', (_, former, kind) => {
    expect(goneInstance(INSTANCE, former)).toMatchObject({ ...INSTANCE, cause: { kind } });
  });
});

describe('goneInstance, of the lease', () => {
  it('keeps it where it tells whether the key was deleted, and not otherwise', () => {
    expect(goneInstance(INSTANCE, record('{}', '7')).lease).toBe('7');
    expect(goneInstance(INSTANCE, record('{}'))).not.toHaveProperty('lease');
    expect(goneInstance(INSTANCE, record('{"drain":true}', '7'))).not.toHaveProperty('lease');
  });
});

describe('goneInstance, of an operator', () => {
  it('says that one had drained it', () => {
    const said = { by: 'root@lb1' };
    const drained = { ...record('{}', '7'), maintenance: { revision: 4, said } };
    expect(goneInstance(INSTANCE, drained).drained).toBe(true);
    expect(goneInstance(INSTANCE, record('{}', '7'))).not.toHaveProperty('drained');
  });
});

describe('GoneInstances', () => {
  const unknown: GoneInstance = goneInstance(INSTANCE, record('{}', '7'));

  it.each([
    [true, 'key-deleted'],
    [false, 'lease-ended'],
  ])('tells why an instance went once it is known whether its lease exists: %s', (exists, kind) => {
    const gone = new GoneInstances();
    gone.add(unknown, 0);
    gone.resolve([unknown], exists);
    expect(gone.cause(INSTANCE)).toEqual({ kind });
  });

  it('never takes the answer about a lease for one that goes later', () => {
    const gone = new GoneInstances();
    gone.add(unknown, 0);
    gone.delete(INSTANCE);
    expect(gone.resolve([unknown], false)).toEqual([]);
    expect(gone.cause(INSTANCE)).toBeUndefined();
    gone.add(goneInstance(INSTANCE, record('{"drain":true}', '8')), 0);
    gone.resolve([unknown], false);
    expect(gone.cause(INSTANCE)).toEqual({ kind: 'deregistered' });
  });

  it('forgets the oldest of too many', () => {
    const gone = new GoneInstances();
    const address = (n: number) => `10.0.${n >> 8}.${n & 255}:80` as Address;
    for (let n = 0; n <= 20_000; n++) gone.add({ ...unknown, address: address(n) }, 0);
    expect(gone.cause({ ...INSTANCE, address: address(0) })).toBeUndefined();
    expect(gone.cause({ ...INSTANCE, address: address(1) })).toBeDefined();
  });

  it('counts an instance that goes again among the newest', () => {
    const gone = new GoneInstances();
    gone.add(unknown, 0);
    const other = (n: number) => ({ ...unknown, service: `other-${n}` });
    for (let n = 0; n < 19_999; n++) gone.add(other(n), 0);
    gone.add(unknown, 0);
    gone.add(other(19_999), 0);
    expect(gone.cause(INSTANCE)).toBeDefined();
    expect(gone.cause(other(0))).toBeUndefined();
    expect(gone.cause(other(1))).toBeDefined();
  });

  it('lists what vanished since a time, and neither what asked to drain nor what an operator had drained', () => {
    const gone = new GoneInstances();
    const one = (n: number): GoneInstance => ({ ...unknown, address: `10.0.0.${n}:80` as Address });
    gone.add(one(1), 99);
    gone.add(one(2), 100);
    gone.add({ ...one(3), cause: { kind: 'deregistered' } }, 101);
    gone.add({ ...one(4), drained: true }, 102);
    gone.add({ ...one(5), service: 'mqtt' }, 103);
    gone.resolve([...gone.vanishedSince(unknown.service, 100)], false);
    expect(gone.vanishedSince(unknown.service, 100)).toEqual([{ ...one(2), cause: { kind: 'lease-ended' } }]);
  });

  it('keeps instances of two services with one address apart', () => {
    const gone = new GoneInstances();
    gone.add(unknown, 0);
    expect(gone.cause({ ...INSTANCE, service: 'mqtt' })).toBeUndefined();
  });
});
