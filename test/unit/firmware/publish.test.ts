import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Hash } from '../../../src/firmware/image/bytes.js';
import { readEsp8266, readFirmware } from '../../../src/firmware/image/image.js';
import { type Publication, type PublishInput, preparePublication } from '../../../src/firmware/publish.js';
import type { Checked } from '../../../src/firmware/refusal.js';
import { decodeRelease, encodeRelease } from '../../../src/firmware/release.js';
import { decodeType, encodeType } from '../../../src/firmware/type-record.js';
import { emptyType, type TypeState } from '../../../src/firmware/type-state.js';
import {
  appImage,
  arduinoImage,
  esp8266Image,
  type ImageSpec,
  rsaKey,
  withSignature,
} from '../../support/firmware-image.js';
import { AUTHOR, release, typeWith } from './support/types.js';

const hash: Hash = (algorithm, bytes) => createHash(algorithm).update(bytes).digest();

/** An image for the type of these tests. */
function image(spec: ImageSpec = {}): Buffer {
  return appImage({ chipId: 9, ...spec });
}

function publish(file: Buffer, version: string, input: Partial<PublishInput> = {}): Checked<Publication> {
  const read = readFirmware(file, hash);
  if (!read.ok) throw new Error(read.refusal.reason);
  const rest = { state: typeWith(), settings: {}, author: AUTHOR, force: false, ...input };
  return preparePublication({ ...rest, version, file: read.value }, hash);
}

function published(checked: Checked<Publication>): Publication {
  if (!checked.ok) throw new Error(`${checked.refusal.code}: ${checked.refusal.reason}`);
  return checked.value;
}

function refusal(checked: Checked<unknown>): string {
  if (checked.ok) return 'accepted';
  const { code, reason, remedy } = checked.refusal;
  return `${code}: ${reason}; ${remedy}`;
}

/** The type after a publication. */
function holding({ id, record, release }: Publication, state: TypeState = typeWith()): TypeState {
  return { ...state, record, releases: new Map([...state.releases, [id, release]]) };
}

const FIRST = published(
  publish(image({ version: '1.2.0', secureVersion: 1 }), '1.2.0', {
    state: { ...typeWith(), releases: new Map() },
  }),
);
const STATE = holding(FIRST);

describe('publishing for a region', () => {
  const state = emptyType('toaster@eu');
  const base = { ...STATE, rollout: { ...AUTHOR, downgrade: false, secureVersion: 3, stable: '1.2.0' } };
  const file = (spec: ImageSpec) => image({ version: '1.3.0', secureVersion: 3, ...spec });

  it('takes the devices for what they are everywhere', () => {
    expect(published(publish(file({}), '1.3.0', { state, base })).record).toEqual(STATE.record);
    const other = appImage({ chipId: 0, version: '1.3.0', secureVersion: 3 });
    expect(refusal(publish(other, '1.3.0', { state, base }))).toMatch(/^wrong-chip:/);
  });

  it('refuses a secure_version below what devices of all regions have been offered', () => {
    expect(refusal(publish(file({ secureVersion: 2 }), '1.3.0', { state, base }))).toMatch(
      /^secure-version:/,
    );
  });
});

describe('publishing', () => {
  it('creates the type from its first image, and a release with the fields of the image', () => {
    const file = image({ version: '1.3.0', secureVersion: 1 });
    const done = published(
      publish(file, '1.3.0', {
        state: emptyType('toaster'),
        settings: { maxSize: 1_900_000 },
        notes: 'less smoke',
      }),
    );
    expect(done.id).toBe('1.3.0');
    expect(done.record).toEqual({
      chip: 'esp32s3',
      project: 'toaster',
      forms: ['esp32fota', 'file', 'esphome', 'text'],
      maxSize: 1_900_000,
    });
    expect(done.release).toMatchObject({
      version: '1.3.0',
      publishedAt: '2026-11-27T12:00:00.000Z',
      publishedBy: 'root@lb1',
      plain: {
        sha256: createHash('sha256').update(file).digest('hex'),
        md5: createHash('md5').update(file).digest('hex'),
        size: file.length,
      },
      image: { chip: 'esp32s3', version: '1.3.0', secureVersion: 1 },
      notes: 'less smoke',
    });
    expect(done.files).toHaveLength(1);
    expect(done.warnings).toEqual([]);
    expect(decodeRelease('1.3.0', encodeRelease(done.release))).toEqual({ ok: true, value: done.release });
    expect(decodeType(encodeType(done.record))).toEqual({ ok: true, value: done.record });
  });

  it('gives files whole seconds, the precision of an mtime in an HTTP date', () => {
    const author = { by: 'ci', at: '2026-11-27T12:00:00.789Z' };
    expect(published(publish(image(), '1.0.0', { author })).release.publishedAt).toBe(
      '2026-11-27T12:00:00.000Z',
    );
  });

  it('stores a signed file beside the bare image that it contains', () => {
    const bare = image();
    const signed = withSignature(bare, rsaKey(4096));
    const { record, release, files } = published(publish(signed, '1.0.0', { state: emptyType('toaster') }));
    expect(record.signatureLength).toBe(512);
    expect(release.signed).toMatchObject({
      size: bare.length + 512,
      sha256: createHash('sha256').update(signed).digest('hex'),
    });
    expect(files.map(({ bytes }) => Buffer.from(bytes))).toEqual([bare, signed]);
    expect(files.map(({ file }) => file)).toEqual([release.plain, release.signed]);
  });

  it('prepends a signature to a bare image', () => {
    const bare = image();
    const signed = withSignature(bare, rsaKey(2048));
    const { release } = published(
      publish(bare, '1.0.0', { state: emptyType('toaster'), signature: signed.subarray(0, 256) }),
    );
    expect(release.signed?.sha256).toBe(createHash('sha256').update(signed).digest('hex'));
  });

  it.each<[string, Checked<Publication>, RegExp]>([
    [
      'a type name with a slash',
      publish(image(), '1.0.0', { state: emptyType('a/b') }),
      /^type-name: type must be letters.*got "a\/b"/,
    ],
    [
      'the wrong chip for the type',
      publish(appImage({ chipId: 5, version: '1.3.0' }), '1.3.0', { state: STATE }),
      /^wrong-chip: the image is for esp32c3, but devices of type toaster are esp32s3/,
    ],
    [
      'a lower secure_version',
      publish(image({ version: '1.3.0', secureVersion: 0 }), '1.3.0', {
        state: { ...STATE, rollout: { ...AUTHOR, downgrade: false, secureVersion: 1 } },
      }),
      /^secure-version: the image has secure_version 0, and devices have been offered 1/,
    ],
    [
      'a version that the image does not have',
      publish(image({ version: '1.2.9' }), '1.3.0', { state: STATE }),
      /^version-differs: the image says that it is version "1\.2\.9", not 1\.3\.0/,
    ],
    [
      "a commit's hash in the image",
      publish(image({ version: '3f2a91c' }), '1.3.0', { state: STATE }),
      /^version-differs: /,
    ],
    [
      'a signature of RSA-2048 announced as 512 bytes',
      publish(withSignature(image(), rsaKey(2048)), '1.0.0', {
        state: emptyType('toaster'),
        settings: { signatureLength: 512 },
      }),
      /^signature-length: the signature has 256 bytes, as of a key of RSA-2048, .* cut off 512; sign with a key of RSA-4096/,
    ],
    [
      'no signature where devices check one',
      publish(image(), '1.0.0', { state: emptyType('toaster'), settings: { signatureLength: 512 } }),
      /^signature-missing: .*--sign KEY/,
    ],
    [
      'a signature where devices check none',
      publish(withSignature(image({ version: '1.3.0' }), rsaKey(2048)), '1.3.0', { state: STATE }),
      /^signature-unwanted: /,
    ],
    [
      'a version that exists',
      publish(image({ version: '1.2.0', fill: 7 }), '1.2.0', { state: STATE }),
      /^version-exists: 1\.2\.0 of type toaster was published at .* by root@lb1 with another image, and a release never changes; .* higher number than 1\.2\.0/,
    ],
    [
      'a version that exists in another spelling',
      publish(image({ version: '1.2.0', fill: 7 }), '1.2', { state: STATE }),
      /^version-exists: /,
    ],
    [
      'the same again',
      publish(image({ version: '1.2.0', secureVersion: 1 }), '1.2.0', { state: STATE }),
      /^already-published: .*with this very image/,
    ],
    [
      'a version that goes backwards',
      publish(image({ version: '1.1.9' }), '1.1.9', { state: STATE }),
      /^version-backwards: 1\.1\.9 comes before 1\.2\.0/,
    ],
    [
      'an image larger than the slot',
      publish(image(), '1.0.0', { state: emptyType('toaster'), settings: { maxSize: 4096 } }),
      /^too-large: the image has \d+ bytes, but the slot of type toaster has only 4096/,
    ],
    [
      'another project',
      publish(image({ version: '1.3.0', project: 'kettle' }), '1.3.0', { state: STATE }),
      /^project-changed: the image is of project "kettle", but type toaster is "toaster"/,
    ],
    [
      'another slot than the type has',
      publish(image({ version: '1.3.0' }), '1.3.0', { state: STATE, settings: { maxSize: 5_000_000 } }),
      /^type-changed: maxSize of type toaster is not set, not 5000000/,
    ],
    [
      'another ClientId than the type has',
      publish(image({ version: '1.3.0' }), '1.3.0', { state: STATE, settings: { clientId: 't-{id}' } }),
      /^type-changed: clientId of type toaster is not set, not t-\{id\}/,
    ],
  ])('is refused for %s', (_, checked, expected) => {
    expect(refusal(checked)).toMatch(expected);
  });

  it.each(['', 'v1.2.0', '1.2.3.4', '01.2.3', '1.2.0+build', '1.2.', 'latest', '-1', '1.2.0-', ' 1.2.0'])(
    'rejects the version %j',
    (version) => {
      expect(refusal(publish(image(), version))).toMatch(/^version-form: /);
    },
  );

  it.each(['1.2.0-rc1', '20261127', '65536'])('rejects %s, which esp32FOTA reads as 0.0.0', (version) => {
    const file = image({ version });
    expect(refusal(publish(file, version, { state: emptyType('toaster') }))).toMatch(
      /^version-esp32fota: esp32FOTA reads/,
    );
    const settings = { forms: ['file' as const] };
    expect(published(publish(file, version, { state: emptyType('toaster'), settings })).release.version).toBe(
      version,
    );
  });

  it('accepts the version of the image in any spelling with the same meaning', () => {
    expect(published(publish(image({ version: 'v1.3.0' }), '1.3', { state: STATE })).id).toBe('1.3.0');
  });

  it('refuses the old image under a new number, which devices would install again and again', () => {
    const old = arduinoImage({ chipId: 9 });
    const first = published(publish(old, '7', { state: emptyType('toaster') }));
    expect(first.warnings).toEqual([expect.stringContaining('does not say its version')]);
    const again = publish(old, '8', { state: holding(first, emptyType('toaster')) });
    expect(refusal(again)).toMatch(/^same-image: the image is that of 7\.0\.0/);
  });

  it('proceeds with --force where an operator may know better, and takes the type from the new image', () => {
    const other = appImage({ chipId: 5, version: '1.1.0', project: 'kettle', secureVersion: 1 });
    expect(refusal(publish(other, '1.0.5', { state: STATE }))).toMatch(/--force$/);
    const forced = published(publish(other, '1.0.5', { state: STATE, force: true }));
    expect(forced.record).toMatchObject({ chip: 'esp32c3', project: 'kettle' });
  });

  it('never proceeds with what cannot be right', () => {
    const force = true;
    expect(refusal(publish(image({ fill: 7 }), '1.2.0', { state: STATE, force }))).toMatch(
      /^version-exists: /,
    );
    expect(refusal(publish(image(), '1.3.0', { state: emptyType('a/b'), force }))).toMatch(/^type-name: /);
    const rollout = { ...AUTHOR, downgrade: false, secureVersion: 9 };
    expect(refusal(publish(image(), '1.3.0', { state: { ...STATE, rollout }, force }))).toMatch(
      /^secure-version: /,
    );
  });

  it('warns about irreversible steps', () => {
    const file = image({ version: '1.3.0', secureVersion: 2, minRevision: 301 });
    expect(published(publish(file, '1.3.0', { state: STATE })).warnings).toEqual([
      'secure_version rises to 2: devices that boot it never go back below',
      'the image needs chip revision 301, and 1.2.0 needed 0: older boards will refuse it',
    ]);
  });

  it('is refused if etcd has something unreadable, unless it is the log', () => {
    const state = (key: string) => ({
      ...STATE,
      unreadable: [{ key, reason: '"phases" is not known here' }],
    });
    const file = image({ version: '1.3.0', secureVersion: 1 });
    expect(refusal(publish(file, '1.3.0', { state: state('/sidekick/firmware/toaster/rollout') }))).toMatch(
      /^unreadable: .*\/rollout cannot be read: "phases"/,
    );
    published(publish(file, '1.3.0', { state: state('/sidekick/firmware/toaster/log/0000000000000001') }));
  });

  it('takes down which devices may take a release, and which have to', () => {
    const file = image({ version: '1.3.0', secureVersion: 1 });
    const { release } = published(
      publish(file, '1.3.0', { state: STATE, from: '1.2.0', through: true, critical: true }),
    );
    expect(release).toMatchObject({ from: '1.2.0', through: true, critical: true });
  });

  it('is refused for a release that no device could take', () => {
    const file = image({ version: '1.3.0', secureVersion: 1 });
    expect(refusal(publish(file, '1.3.0', { state: STATE, from: '1.3.0' }))).toMatch(
      /^from: no device could take 1\.3\.0: it would require 1\.3\.0 or newer; give a version below 1\.3\.0/,
    );
  });

  it('warns about a release that cannot be rolled out, since devices could not update to it', () => {
    const file = image({ version: '1.3.0', secureVersion: 1 });
    expect(published(publish(file, '1.3.0', { state: STATE, from: '1.2.5' })).warnings).toEqual([
      expect.stringMatching(
        /^it cannot be rolled out yet: devices below 1\.2\.5 could not update to 1\.3\.0/,
      ),
    ]);
  });

  it('is refused for a stepping stone that devices could not update to on their way to what they are offered', () => {
    const rollout = { ...AUTHOR, stable: '1.4.0', downgrade: false, secureVersion: 1 };
    const state = { ...STATE, rollout, releases: new Map([...STATE.releases, ['1.4.0', release('1.4.0')]]) };
    const file = image({ version: '1.3.0', secureVersion: 1 });
    const stone = { state, through: true as const, force: true };
    expect(refusal(publish(file, '1.3.0', { ...stone, from: '1.2.5' }))).toMatch(
      /^chain-broken: devices below 1\.2\.5 could not update to 1\.4\.0: 1\.3\.0 requires 1\.2\.5 or newer/,
    );
    published(publish(file, '1.3.0', stone));
  });

  it('is refused for more stepping stones than NGINX should hold', () => {
    const stones = Array.from({ length: 20 }, (_, i) => ({ ...release(`0.${i}.0`), through: true as const }));
    const state = typeWith(...stones);
    expect(refusal(publish(image({ version: '1.0.0' }), '1.0.0', { state, through: true }))).toMatch(
      /^too-many-stones: type toaster has 20 stepping stones/,
    );
    published(publish(image({ version: '1.0.0' }), '1.0.0', { state }));
  });

  it('accepts files for the ESP8266, of which only their size is known', () => {
    const file = readEsp8266(esp8266Image());
    if (!file.ok) throw new Error(file.refusal.reason);
    const state = emptyType('plug');
    const input = { state, version: '3', file: file.value, settings: {}, author: AUTHOR, force: false };
    expect(published(preparePublication(input, hash)).record).toMatchObject({ chip: 'esp8266' });
  });
});
