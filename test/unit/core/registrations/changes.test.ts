import { describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Registrations } from '../../../../src/core/registrations.js';
import { A, views } from '../support/registrations.js';

describe('what a change of registrations tells', () => {
  it('returns which services a view changes, and reads only what changed', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    etcd.put(A);
    etcd.put('/services/mqtt/10.0.0.1:1883');
    expect([...registrations.apply(etcd.next()).instances.keys()].sort()).toEqual(['firmware', 'mqtt']);
    etcd.put(A, '{"weight":2}');
    expect([...registrations.apply(etcd.next()).instances.keys()]).toEqual(['firmware']);
    expect(registrations.apply(etcd.next()).instances.size).toBe(0);
  });

  it('tells of every service any of whose keys has changed, taken or not', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const touched = () => [...registrations.apply(etcd.next()).touched];
    for (const key of [
      '/services/a/nohost',
      '/services/b/10.0.0.1:80',
      '/sidekick/maintenance/c/10.0.0.1:80',
    ]) {
      etcd.put(key);
    }
    expect(touched()).toEqual(['a', 'b', 'c']);
    for (const key of [
      '/services/a/nohost',
      '/services/b/10.0.0.1:80',
      '/sidekick/maintenance/c/10.0.0.1:80',
    ]) {
      etcd.del(key);
    }
    expect(touched()).toEqual(['a', 'b', 'c']);
  });

  it('tells of every instance that has changed, and of none that was never there', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const changed = () => {
      const { instances, rejected } = registrations.apply(etcd.next());
      expect(rejected).toEqual([]);
      return Object.fromEntries(instances);
    };
    etcd.put(A);
    etcd.put('/services/firmware/10.0.0.2:80');
    expect(changed()).toEqual({ firmware: new Set(['10.0.0.1:80', '10.0.0.2:80']) });
    etcd.del('/services/firmware/10.0.0.2:80');
    etcd.del('/services/firmware/10.0.0.3:80');
    etcd.del('/services/mqtt/10.0.0.3:1883');
    expect(changed()).toEqual({ firmware: new Set(['10.0.0.2:80']) });
  });

  it('counts the instances of which a registration was taken, each once', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const counts: number[] = [];
    for (const change of [
      () => etcd.put('/services/firmware/[2001:db8::1]:80'),
      () => etcd.put('/services/firmware/[2001:DB8::1]:80'),
      () => etcd.put(A, '{"weight":-1}'),
      () => etcd.put(A),
      () => etcd.put(A, '{"weight":-1}'),
      () => etcd.del('/services/firmware/[2001:db8::1]:80'),
      () => etcd.del('/services/firmware/[2001:DB8::1]:80'),
      () => etcd.put('/sidekick/maintenance/firmware/10.0.0.9:80'),
      () => etcd.del(A),
    ]) {
      change();
      registrations.apply(etcd.next());
      counts.push(registrations.accepted('firmware'));
    }
    expect(counts).toEqual([1, 1, 1, 2, 2, 2, 1, 1, 0]);
    expect(registrations.accepted('unknown')).toBe(0);
  });

  it('knows the newest revision that it was told of', () => {
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const empty = { entries: new Map(), changed: new Set<string>() };
    const revisions = [undefined, 5, 3, undefined, 9].map((revision) => {
      registrations.apply(revision === undefined ? empty : { ...empty, revision });
      return registrations.revision;
    });
    expect(revisions).toEqual([0, 5, 5, 5, 9]);
  });

  it('tells how each instance went, once all its keys are gone', () => {
    const etcd = views();
    const registrations = new Registrations(DEFAULT_KEY_PREFIXES);
    const gone = () => registrations.apply(etcd.next()).gone;
    etcd.put('/services/firmware/[2001:db8::1]:80', '{"drain":true}');
    etcd.put('/services/firmware/[2001:DB8::1]:80', '{"drain":true}');
    etcd.put(A);
    expect(gone()).toEqual([]);
    etcd.del('/services/firmware/[2001:db8::1]:80');
    expect(gone()).toEqual([]);
    etcd.del('/services/firmware/[2001:DB8::1]:80');
    etcd.del(A);
    expect(gone()).toEqual([
      { service: 'firmware', address: '[2001:db8::1]:80', cause: { kind: 'deregistered' } },
      { service: 'firmware', address: '10.0.0.1:80', cause: { kind: 'key-deleted' } },
    ]);
    etcd.del(A);
    expect(gone()).toEqual([]);
  });
});
