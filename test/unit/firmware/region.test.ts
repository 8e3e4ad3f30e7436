import { describe, expect, it } from 'vitest';
import { parseRegion, parseType } from '../../../src/firmware/names.js';
import { deviceOf } from '../../../src/firmware/shared/download.js';
import { lineOf, regionOf, typeOf } from '../../../src/firmware/shared/region.js';
import { CANDIDATE, Edge } from './support/edge.js';

describe('the line of a region', () => {
  it('is named by the type and the region', () => {
    expect(lineOf('lamp-v2', 'eu')).toBe('lamp-v2@eu');
    expect([typeOf('lamp-v2@eu'), regionOf('lamp-v2@eu')]).toEqual(['lamp-v2', 'eu']);
    expect([typeOf('lamp-v2'), regionOf('lamp-v2')]).toEqual(['lamp-v2', '']);
  });

  it.each(['lamp-v2', 'lamp-v2@eu', `${'t'.repeat(64)}@${'r'.repeat(32)}`])('reads %s', (name) => {
    expect(parseType(name)).toEqual({ ok: true, value: name });
  });

  it.each(['lamp@', '@eu', 'lamp@EU', 'lamp@eu@us', 'lamp@eu/x', '..@eu', `lamp@${'r'.repeat(33)}`])(
    'refuses %s',
    (name) => {
      expect(parseType(name).ok).toBe(false);
    },
  );

  it.each(['', 'EU', 'a.b', 'a_b', 'r'.repeat(33), 7, undefined])('is not named by the region %s', (name) => {
    expect(parseRegion(name).ok).toBe(false);
  });
});

describe('what is counted in a region', () => {
  it('is counted for its line, over a restart too', () => {
    const edge = new Edge().offer();
    edge.zone.set('lamp@eu', edge.zone.get('lamp') ?? '');
    const query = 'id=one&version=1.0.0';
    expect(edge.ask(query, '/ota', {}, 'eu').body).toContain(
      `${CANDIDATE.sha256}.bin?device=lamp@eu/one&region=eu"`,
    );
    const after = edge.restarted();
    after.download('one', CANDIDATE.sha256, 'lamp@eu');
    after.ask('id=one&version=1.1.0', '/ota', {}, 'eu');
    expect(after.report().counts['lamp@eu']?.['1.1.0']).toMatchObject({ downloaded: 1, booted: 1 });
    expect(edge.report().counts).toMatchObject({ 'lamp@eu': { '1.1.0': { offered: 1 } } });
    expect(edge.report().counts.lamp).toBeUndefined();
  });

  it.each(['lamp@eu/one', 'lamp%40eu%2Fone'])('is known in a download by %s', (argument) => {
    expect(deviceOf(argument)).toBe('lamp@eu/one');
  });
});
