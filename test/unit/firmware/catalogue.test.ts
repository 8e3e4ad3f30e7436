import { describe, expect, it } from 'vitest';
import {
  bucketsOf,
  type CatalogueInput,
  renderCatalogue,
  renderStone,
} from '../../../src/firmware/catalogue.js';
import { type Release, releaseId } from '../../../src/firmware/release.js';
import type { Rollout } from '../../../src/firmware/rollout.js';
import {
  type Catalogue,
  type CatalogueOptions,
  decode,
  decodeStone,
  encode,
  encodeOffer,
  MAX_CATALOGUE,
  noOptions,
  revisionOf,
  withoutRevision,
} from '../../../src/firmware/shared/catalogue.js';
import { ANSWER_FORMS } from '../../../src/firmware/type-record.js';
import { hostileText } from '../../support/hostile.js';
import { fc } from '../../support/property.js';
import * as arbitrary from './support/arbitraries.js';

function release(version: string, fill: string): Release {
  return {
    version,
    publishedAt: '2026-11-27T12:00:00.000Z',
    publishedBy: 'ci@build1',
    plain: { sha256: fill.repeat(64), md5: fill.repeat(32), size: 1_048_576 },
    image: { chip: 'esp32s3', appSha256: 'f'.repeat(64), secureBoot: 'none' },
  };
}

const OLD = release('1.2.0', 'a');
const NEW = release('1.3.0', 'b');

const ROLLOUT: Rollout = {
  by: 'root@lb1',
  at: '2026-11-27T12:00:00.000Z',
  stable: '1.2.0',
  candidate: { version: '1.3.0', salt: 'toaster-1.3.0', percent: 12.5, groups: ['beta', 'lab'] },
  downgrade: false,
  secureVersion: 0,
};

const INPUT: CatalogueInput = {
  type: 'toaster',
  record: { chip: 'esp32s3', forms: ANSWER_FORMS },
  rollout: ROLLOUT,
  releases: new Map([OLD, NEW].map((one) => [releaseId(one), one])),
  origin: 'https://ota.example.com',
  revision: 4711,
};

function rendered(input: Partial<CatalogueInput> = {}): Catalogue {
  const value = renderCatalogue({ ...INPUT, ...input });
  const catalogue = value.ok ? decode(value.value) : undefined;
  if (catalogue === undefined) throw new Error(value.ok ? 'cannot be read back' : value.reason);
  return catalogue;
}

describe('the catalogue of a type', () => {
  it('contains what a device is told, ready to be sent', () => {
    expect(rendered()).toEqual({
      revision: 4711,
      buckets: 1250,
      salt: 'toaster-1.3.0',
      downgrade: false,
      groups: ['beta', 'lab'],
      options: { ...noOptions(), count: true },
      stable: expect.objectContaining({ version: '1.2.0' }) as unknown,
      candidate: {
        version: '1.3.0',
        sha256: 'b'.repeat(64),
        md5: 'b'.repeat(32),
        size: 1_048_576,
        appSha256: 'f'.repeat(64),
        esp32fota: `{"type":"toaster","version":"1.3.0","url":"https://ota.example.com/blobs/${'b'.repeat(64)}.bin","sha256":"${'b'.repeat(64)}","size":1048576}`,
        esphome: `{"name":"toaster","version":"1.3.0","builds":[{"chipFamily":"ESP32-S3","ota":{"path":"/blobs/${'b'.repeat(64)}.bin","md5":"${'b'.repeat(32)}"}}]}`,
      },
    });
  });

  it('says how the candidate is followed, whom it rescues, and whom a shadow would reach', () => {
    const candidate = {
      ...{ version: '1.3.0', salt: 's', percent: 1, groups: [] },
      ...{ interval: 3_600, rescue: ['1.2.0', '7.0.0'], rate: 200_000 },
    };
    const rollout = { ...ROLLOUT, candidate, shadow: { version: '7.0.0', salt: 'b:c', percent: 10 } };
    const releases = new Map([...INPUT.releases, ['7.0.0', release('7', 'd')]]);
    const options = {
      ...{ ...noOptions(), count: true, interval: 3_600, rate: 200_000 },
      shadow: { version: '7', buckets: 1_000, salt: 'b:c' },
    };
    expect(rendered({ rollout, releases }).options).toEqual({ ...options, rescue: ['1.2.0', '7'] });

    const paused = { by: 'ann', at: ROLLOUT.at };
    expect(rendered({ rollout: { ...rollout, paused }, releases }).options).toEqual({
      ...options,
      rescue: [],
    });
  });

  it('names a release that is not among the releases by its id', () => {
    const candidate = { version: '1.3.0', salt: 's', percent: 1, groups: [], rescue: ['7.0.0'] };
    const rollout = { ...ROLLOUT, candidate, shadow: { version: '7.0.0', salt: 'b', percent: 10 } };
    expect(rendered({ rollout }).options).toMatchObject({ rescue: ['7.0.0'], shadow: { version: '7.0.0' } });
  });

  it('says how ClientIds are made of device ids while a candidate is counted by them', () => {
    const record = { ...INPUT.record, clientId: 'lamp-{id}' };
    expect(rendered({ record }).options.clientId).toBe('lamp-{id}');
    const { candidate: _, ...stableOnly } = ROLLOUT;
    expect(rendered({ record, rollout: stableOnly }).options).toEqual(noOptions());
  });

  it('tells devices of a region the type without its region', () => {
    const { stable } = rendered({ type: 'toaster@eu' });
    expect(JSON.parse(stable?.esp32fota ?? '')).toMatchObject({ type: 'toaster', region: 'eu' });
    expect(JSON.parse(stable?.esphome ?? '')).toMatchObject({ name: 'toaster' });
  });

  it('has no hash of an application that is not known', () => {
    const { appSha256: _, ...image } = OLD.image;
    const { stable } = rendered({ releases: new Map([['1.2.0', { ...OLD, image }]]) });
    expect(stable?.appSha256).toBe('');
  });

  it('gives esp32FOTA the signed file, and others the bare image', () => {
    const signed = { sha256: 'c'.repeat(64), md5: 'c'.repeat(32), size: 1_049_088 };
    const { stable } = rendered({ releases: new Map([['1.2.0', { ...OLD, signed }]]) });
    expect(stable?.esp32fota).toContain(`/blobs/${signed.sha256}.bin`);
    expect(stable?.esp32fota).toContain('"size":1049088');
    expect(stable?.esphome).toContain(`/blobs/${OLD.plain.sha256}.bin`);
    expect(stable?.sha256).toBe(OLD.plain.sha256);
  });

  it('states a version that was published as a number as a number, which the oldest esp32FOTA needs', () => {
    const { stable } = rendered({
      rollout: { ...ROLLOUT, stable: '17.0.0' },
      releases: new Map([['17.0.0', release('17', 'd')]]),
    });
    expect(stable?.esp32fota).toContain('"version":17,');
    expect(stable?.esphome).toContain('"version":"17",');
  });

  it('contains no manifest in a form that is not requested', () => {
    const { stable } = rendered({ record: { chip: 'esp32', forms: ['file'] } });
    expect(stable).toMatchObject({ esp32fota: '', esphome: '', md5: 'a'.repeat(32) });
  });

  it('offers a paused candidate to nobody, members of groups included, and still contains it', () => {
    const paused = { by: 'root@lb1', at: '2026-11-27T12:01:00.000Z' };
    expect(rendered({ rollout: { ...ROLLOUT, paused } })).toMatchObject({
      buckets: 0,
      groups: [],
      candidate: { version: '1.3.0' },
    });
  });

  it('leaves out a release that is not on every firmware server', () => {
    expect(rendered({ releases: new Map([['1.2.0', OLD]]) })).toMatchObject({
      buckets: 0,
      groups: [],
      stable: { version: '1.2.0' },
      candidate: undefined,
    });
  });

  it('leads devices by the stepping stones below what is offered, those that are not on every server included', () => {
    const stone = { ...release('1.2.5', 'c'), through: true as const };
    const later = { ...release('1.4.0', 'd'), through: true as const };
    const steps = new Map([OLD, stone, NEW, later].map((one) => [releaseId(one), one]));
    expect(rendered({ steps }).options).toMatchObject({ via: ['1.2.5'] });
    const { candidate: _, ...stableOnly } = ROLLOUT;
    expect(rendered({ steps, rollout: stableOnly }).options).toMatchObject({ via: [] });
    const stableReleases = new Map([['1.2.0', OLD]]);
    expect(rendered({ steps, releases: stableReleases }).options).toMatchObject({ via: [] });
    expect(rendered({ steps, releases: new Map() }).options).toMatchObject({ via: [] });
    expect(renderStone({ ...INPUT, steps }, '1.2.5')).toBeUndefined();
    const value = renderStone({ ...INPUT, steps, releases: steps }, '1.2.5');
    expect(decodeStone(value ?? '')).toMatchObject({ version: '1.2.5', sha256: 'c'.repeat(64) });
  });

  it('says from which version on a device may begin its way: that of the first stepping stone, if there is one', () => {
    const candidate = { ...NEW, from: '1.2.0' };
    const releases = new Map([OLD, candidate].map((one) => [releaseId(one), one]));
    expect(rendered({ releases }).options).toMatchObject({ from: '1.2.0', stableFrom: '' });
    const stone = { ...release('1.2.5', 'c'), through: true as const, from: '1.1.0' };
    const steps = new Map([...releases, ['1.2.5', stone] as const]);
    expect(rendered({ releases, steps }).options).toMatchObject({ from: '1.1.0', stableFrom: '' });
    const old = { ...OLD, from: '1.0.0' };
    expect(rendered({ releases: new Map([['1.2.0', old]]) }).options).toMatchObject({ stableFrom: '1.0.0' });
  });

  it('is critical if what is offered last is: the candidate, or else the stable release', () => {
    const critical = (stable: boolean, candidate: boolean, rollout = ROLLOUT) => {
      const releases = new Map([
        ['1.2.0', { ...OLD, ...(stable && { critical: true as const }) }],
        ['1.3.0', { ...NEW, ...(candidate && { critical: true as const }) }],
      ]);
      return rendered({ releases, rollout }).options.critical;
    };
    const paused = { by: 'root@lb1', at: '2026-11-27T12:01:00.000Z' };
    expect([critical(false, true), critical(true, false)]).toEqual([true, false]);
    expect(critical(true, false, { ...ROLLOUT, paused })).toBe(true);
    expect(critical(false, true, { ...ROLLOUT, paused })).toBe(false);
  });

  it('passes on the signature of a release to devices that want it, with all that it is over', () => {
    const signed = { sha256: 'c'.repeat(64), md5: 'c'.repeat(32), size: 1_049_088 };
    const signature = {
      keyId: '0123456789abcdef',
      value: `${'A'.repeat(86)}==`,
      notBefore: '2026-11-27T12:00:00.000Z',
      expires: '2027-02-25T12:00:00.000Z',
    };
    const candidate: Release = { ...NEW, from: '1.2.0', critical: true, signed, signature };
    const manifest = rendered({ releases: new Map([['1.3.0', candidate]]) }).candidate?.esp32fota ?? '';
    expect(JSON.parse(manifest)).toEqual({
      type: 'toaster',
      version: '1.3.0',
      url: `https://ota.example.com/blobs/${'c'.repeat(64)}.bin`,
      sha256: 'c'.repeat(64),
      size: 1_049_088,
      critical: true,
      plain: { sha256: 'b'.repeat(64), size: 1_048_576 },
      from: '1.2.0',
      notBefore: 1_795_780_800,
      expires: 1_803_556_800,
      key: '0123456789abcdef',
      sig: `${'A'.repeat(86)}==`,
    });
  });

  it('covers whole buckets, whatever the percentage is as a floating-point number', () => {
    for (let hundredths = 0; hundredths <= 10_000; hundredths++) {
      expect(bucketsOf(hundredths / 100)).toBe(hundredths);
    }
  });

  it('is at most 2,000 bytes long and reads back, or is refused with a remedy', () => {
    fc.assert(
      fc.property(
        arbitrary.typeName,
        arbitrary.firmwareType,
        arbitrary.rollout,
        arbitrary.release,
        arbitrary.release,
        fc.nat(),
        (type, record, rollout, stable, candidate, revision) => {
          const releases = new Map<string, Release>();
          if (rollout.stable !== undefined) releases.set(rollout.stable, stable);
          if (rollout.candidate !== undefined) releases.set(rollout.candidate.version, candidate);
          const origin = `https://${'a'.repeat(60)}.example.com:8443`;
          const value = renderCatalogue({ type, record, rollout, releases, origin, revision });
          if (!value.ok) {
            expect(value.reason).toMatch(
              /^the catalogue of .* would be \d+ bytes, of at most 2000: use fewer/,
            );
            return;
          }
          expect(Buffer.byteLength(value.value)).toBeLessThanOrEqual(MAX_CATALOGUE);
          expect(revisionOf(value.value)).toBe(revision);
          const catalogue = decode(value.value);
          expect(catalogue?.stable?.version).toBe(rollout.stable && stable.version);
          expect(catalogue?.candidate?.version).toBe(rollout.candidate && candidate.version);
          expect(catalogue?.groups).toEqual(rollout.paused ? [] : (rollout.candidate?.groups ?? []));
        },
      ),
    );
  });

  it('is 2,000 bytes long at most', () => {
    const rendering = (origin: string, salt: string) =>
      renderCatalogue({
        ...INPUT,
        origin,
        rollout: { ...ROLLOUT, candidate: { version: '1.3.0', salt, percent: 1, groups: [] } },
      });
    const shortest = rendering('', 's');
    const room = MAX_CATALOGUE - (shortest.ok ? shortest.value.length : 0);
    // The manifest of each of the two releases has the origin.
    const origin = 'o'.repeat(Math.floor(room / 2));
    const salt = 's'.repeat(1 + (room % 2));
    expect(rendering(origin, salt)).toMatchObject({ ok: true });
    expect(rendering(origin, `${salt}s`)).toEqual({
      ok: false,
      reason:
        'the catalogue of toaster would be 2001 bytes, of at most 2000: use fewer groups, shorter names, or fewer answer forms',
    });
  });

  it('fits with names of ordinary length, whatever the forms and the signature', () => {
    const signed = { sha256: 'c'.repeat(64), md5: 'c'.repeat(32), size: 1_049_088 };
    const value = renderCatalogue({
      ...INPUT,
      type: 'greenhouse-controller-v2',
      origin: 'https://firmware.greenhouse.example.com:8443',
      releases: new Map([
        ['1.2.0', { ...OLD, signed }],
        ['1.3.0', { ...NEW, signed }],
      ]),
    });
    expect(value.ok && value.value.length).toBeLessThan(1700);
  });

  it('fits with signatures of both releases and three stepping stones', () => {
    const signature = {
      keyId: '0123456789abcdef',
      value: `${'A'.repeat(86)}==`,
      notBefore: '2026-11-27T12:00:00.000Z',
      expires: '2027-02-25T12:00:00.000Z',
    };
    const stones = ['0.9.0', '1.0.0', '1.1.0'].map((version) => release(version, 'e'));
    const signed = [OLD, NEW].map((one) => ({ ...one, from: '1.1.0', signature }));
    const releases = new Map(
      [...stones.map((one) => ({ ...one, through: true as const })), ...signed].map((one) => [
        releaseId(one),
        one,
      ]),
    );
    const value = renderCatalogue({
      ...INPUT,
      type: 'greenhouse-controller-v2',
      origin: 'https://firmware.greenhouse.example.com:8443',
      releases,
    });
    expect(value.ok && value.value.length).toBeLessThan(MAX_CATALOGUE);
  });

  it('rejects what is no catalogue', () => {
    for (const text of ['', '-', '{}', '1 1 0 - 0 -\n-\n\n\n-\n\n', '2 1 0 - 0 - -\n-\n\n']) {
      expect(decode(text)).toBeUndefined();
    }
    expect(revisionOf('{"revision":7}')).toBe(-1);
    fc.assert(
      fc.property(hostileText, (text) => {
        decode(text);
        decode(`2 1 0 - 0 - -\n${text}`);
        decode(`2 1 0 - 0 - ${text}\n-\n\n\n-\n\n`);
        decodeStone(text);
      }),
    );
  });
});

describe('a value with options', () => {
  const versions = fc.array(arbitrary.version, { maxLength: 3 });
  const maybeVersion = fc.option(arbitrary.version, { nil: '' });
  const anyOptions: fc.Arbitrary<CatalogueOptions> = fc.record({
    count: fc.boolean(),
    interval: fc.nat(),
    rescue: versions,
    critical: fc.boolean(),
    rate: fc.nat(),
    shadow: fc.option(
      fc.record({
        version: arbitrary.version,
        buckets: fc.nat(10_000),
        // Any printable character, those that separate options included.
        salt: fc.stringMatching(/^[A-Za-z0-9][\x21-\x7e]{0,63}$/),
      }),
      { nil: undefined },
    ),
    via: versions,
    from: maybeVersion,
    stableFrom: maybeVersion,
    clientId: fc.constantFrom('', '{id}', 'lamp:{id}@home'),
  });

  function valueWith(options: CatalogueOptions): string {
    return encode({
      ...{ revision: 7, buckets: 0, salt: '', downgrade: false, groups: [], options },
      stable: undefined,
      candidate: undefined,
    });
  }

  it('reads back as it was written', () => {
    fc.assert(
      fc.property(anyOptions, (options) => {
        expect(decode(valueWith(options))?.options).toEqual(options);
      }),
    );
  });

  it('ignores options that are not known, or cannot be read', () => {
    const value = valueWith({ ...noOptions(), count: true }).replace(
      'count=1',
      'new=1;count=1;interval=-5;rate=x;shadow=1.0.0:5:%E0%A4%A;critical',
    );
    expect(decode(value)?.options).toEqual({ ...noOptions(), count: true });
  });

  it('differs by its options, but not by its revision', () => {
    const [plain, counted] = [noOptions(), { ...noOptions(), count: true }].map(valueWith);
    expect(withoutRevision(plain as string)).toBe(withoutRevision((plain as string).replace(' 7 ', ' 8 ')));
    expect(withoutRevision(plain as string)).not.toBe(withoutRevision(counted as string));
  });

  it('names releases that have values of their own', () => {
    const offer = rendered().candidate;
    expect(decodeStone(encodeOffer(offer))).toEqual(offer);
    expect(decodeStone(encodeOffer(undefined))).toBeUndefined();
  });
});
