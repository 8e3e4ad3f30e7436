import { describe, expect, it } from 'vitest';
import { type MappingRule, mapServices, type Topology } from '../../../src/core/mapping.js';

const TOPOLOGY: Topology = { http: ['firmware', 'both'], stream: ['mqtt', 'both'] };

function map(services: string[], rules: MappingRule[] = []) {
  const { feeds, problems } = mapServices(new Set(services), rules, TOPOLOGY);
  return { feeds: Object.fromEntries(feeds), codes: problems.map(({ service, code }) => [service, code]) };
}

describe('mapServices', () => {
  it('matches a service to the upstream of its name, http or stream', () => {
    expect(map(['firmware', 'mqtt'])).toEqual({
      feeds: { 'http/firmware': ['firmware'], 'stream/mqtt': ['mqtt'] },
      codes: [],
    });
  });

  it('ignores a service without an upstream of its name', () => {
    expect(map(['other'])).toEqual({ feeds: {}, codes: [['other', 'no-upstream']] });
  });

  it('does not choose between an http and a stream upstream', () => {
    expect(map(['both'])).toEqual({ feeds: {}, codes: [['both', 'ambiguous']] });
    expect(map(['both'], [{ service: 'both', kind: 'stream', upstream: 'both' }])).toEqual({
      feeds: { 'stream/both': ['both'] },
      codes: [],
    });
  });

  it('applies a rule to the service it names, and to no other', () => {
    expect(map(['firmware', 'mqtt'], [{ service: 'firmware', kind: 'stream', upstream: 'mqtt' }])).toEqual({
      feeds: { 'stream/mqtt': ['firmware', 'mqtt'] },
      codes: [],
    });
  });

  it('maps one service to several upstreams', () => {
    const rules: MappingRule[] = [
      { service: 'a', kind: 'http', upstream: 'firmware' },
      { service: 'a', kind: 'stream', upstream: 'mqtt' },
    ];
    expect(map(['a'], rules).feeds).toEqual({ 'http/firmware': ['a'], 'stream/mqtt': ['a'] });
  });

  it('reports that a rule names an upstream that NGINX does not have, and applies the others', () => {
    const rules: MappingRule[] = [
      { service: 'a', kind: 'http', upstream: 'firmware' },
      { service: 'a', kind: 'http', upstream: 'missing' },
    ];
    expect(map(['a'], rules)).toEqual({
      feeds: { 'http/firmware': ['a'] },
      codes: [['a', 'upstream-missing']],
    });
  });

  it('says in words why a service feeds no upstream, and names both', () => {
    const rules: MappingRule[] = [{ service: 'a', kind: 'stream', upstream: 'missing' }];
    const { problems } = mapServices(new Set(['a', 'both', 'other']), rules, TOPOLOGY);
    expect(problems.map(({ message }) => message)).toEqual([
      'configuration maps a to the stream upstream missing, which NGINX does not have',
      'NGINX has both an http and a stream upstream both: add a rule that says which one',
      'NGINX has no upstream other, and no rule maps the service elsewhere',
    ]);
  });

  it('does not use the name where a rule cannot be applied', () => {
    expect(map(['firmware'], [{ service: 'firmware', kind: 'http', upstream: 'missing' }]).feeds).toEqual({});
  });

  it('lists the services of an upstream in alphabetical order', () => {
    const rules = ['c', 'a', 'b'].map((service): MappingRule => {
      return { service, kind: 'http', upstream: 'firmware' };
    });
    expect(map(['c', 'a', 'b'], rules).feeds).toEqual({ 'http/firmware': ['a', 'b', 'c'] });
  });
});
