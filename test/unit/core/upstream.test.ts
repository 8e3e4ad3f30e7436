import { describe, expect, it } from 'vitest';
import { KINDS, type UpstreamRef, upstreamId, upstreamRef } from '../../../src/core/upstream.js';

describe('the id of an upstream', () => {
  it.each<[string, UpstreamRef]>([
    ['http/firmware', { kind: 'http', name: 'firmware' }],
    ['stream/mqtt', { kind: 'stream', name: 'mqtt' }],
    ['http/a/b', { kind: 'http', name: 'a/b' }],
  ])('%s is read back as what it was made of', (id, ref) => {
    expect(upstreamId(ref)).toBe(id);
    expect(upstreamRef(upstreamId(ref))).toEqual(ref);
  });

  it('begins with one of the two kinds that NGINX has', () => {
    expect(KINDS).toEqual(['http', 'stream']);
  });
});
