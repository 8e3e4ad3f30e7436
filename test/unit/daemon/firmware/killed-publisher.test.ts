import { createHash, sign } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { NEVER } from '../../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { publishRelease, uploadFiles } from '../../../../src/daemon/firmware/publisher.js';
import { FirmwareRepository } from '../../../../src/daemon/firmware/repository.js';
import type { Hash } from '../../../../src/firmware/image/bytes.js';
import { readFirmware } from '../../../../src/firmware/image/image.js';
import { offeringOf } from '../../../../src/firmware/offering.js';
import type { BlobUploader } from '../../../../src/firmware/ports.js';
import { preparePublication } from '../../../../src/firmware/publish.js';
import { etagOf, filesOf } from '../../../../src/firmware/release.js';
import { prepareRepair } from '../../../../src/firmware/repair.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { appImage, rsaKey } from '../../../support/firmware-image.js';

const AUTHOR = { by: 'ci@build1', at: '2026-11-27T12:00:00.000Z' };
const LATER = { by: 'ci@build1', at: '2026-11-27T12:34:56.000Z' };
const PROGRESS = { uploading: () => {}, spreading: () => {} };

const hash: Hash = (algorithm, bytes) => createHash(algorithm).update(bytes).digest();
const IMAGE = appImage({ version: '1.0.0' });
const SIGNATURE = sign('sha256', IMAGE, rsaKey(2048));

/** What a publisher does to others, in this order: two files, each put and read back, and the transaction. */
const STEPS = ['put', 'read back', 'put', 'read back', 'commit'] as const;

/** Ends the publisher at one of its steps: before anybody hears of it, or when it has been done. */
class Death {
  #step = 0;

  constructor(
    readonly at: number,
    readonly isDone: boolean,
  ) {}

  async meet<T>(work: () => Promise<T>): Promise<T> {
    const isLast = this.#step++ === this.at;
    if (isLast && !this.isDone) throw new Error('killed');
    const result = await work();
    if (isLast) throw new Error('killed');
    return result;
  }
}

const IMMORTAL = new Death(-1, false);

describe('a publisher that is killed', () => {
  let registry: FakeRegistry;
  let files: Map<string, { readonly content: Uint8Array; readonly mtime: number }>;

  beforeEach(() => {
    registry = new FakeRegistry();
    files = new Map();
  });

  function uploader(death: Death): BlobUploader {
    return {
      name: 'https://firmware-1:8443',
      put: (sha256, mtime, content) => death.meet(async () => void files.set(sha256, { content, mtime })),
      readBack: (sha256) =>
        death.meet(async () => {
          const found = files.get(sha256);
          if (found === undefined) return undefined;
          const etag = etagOf(found.mtime, found.content.length);
          return { sha256: Buffer.from(hash('sha256', found.content)).toString('hex'), etag };
        }),
    };
  }

  function checked<T>(result: { ok: true; value: T } | { ok: false; refusal: { reason: string } }): T {
    if (!result.ok) throw new Error(result.refusal.reason);
    return result.value;
  }

  /** As `sidekick firmware publish` does it, by a process with a life of its own. */
  async function publish(death: Death, author = AUTHOR) {
    const repository = new FirmwareRepository(registry, DEFAULT_KEY_PREFIXES);
    const state = await repository.type('lamp', NEVER);
    const file = checked(readFirmware(IMAGE, hash));
    const input = { state, version: '1.0.0', file, signature: SIGNATURE, settings: {}, author, force: false };
    const publication = checked(preparePublication(input, hash));
    const mortal = new FirmwareRepository(
      Object.assign(Object.create(registry) as FakeRegistry, {
        commit: (...args: Parameters<FakeRegistry['commit']>) => death.meet(() => registry.commit(...args)),
        // Whoever is dead does not look what became of the transaction.
        read: () => Promise.reject(new Error('killed')),
      }),
      DEFAULT_KEY_PREFIXES,
    );
    const ports = { registry, repository: mortal, uploader: uploader(death), progress: PROGRESS };
    return publishRelease(state, publication, author, ports, NEVER);
  }

  /** The files of every release in etcd that no server has. */
  async function missing(): Promise<readonly string[]> {
    const { releases } = await new FirmwareRepository(registry, DEFAULT_KEY_PREFIXES).type('lamp', NEVER);
    const named = [...releases.values()].flatMap(filesOf).map(({ sha256 }) => sha256);
    return named.filter((sha256) => !files.has(sha256));
  }

  /** What every NGINX would be told, with servers that hold everything. */
  async function offered(): Promise<number> {
    const types = (await new FirmwareRepository(registry, DEFAULT_KEY_PREFIXES).types(NEVER)).values();
    const servers = [{ address: '10.0.0.11:8080', heldUpTo: Number.MAX_SAFE_INTEGER }];
    const input = { prefixes: DEFAULT_KEY_PREFIXES, types, servers, origin: 'https://ota', revision: 9 };
    return offeringOf(input)?.types.size ?? 0;
  }

  const deaths = STEPS.flatMap((step, at) => [
    [`before its step ${at + 1}, ${step}`, at, false] as const,
    [`after its step ${at + 1}, ${step}`, at, true] as const,
  ]);

  it.each(deaths)(
    'leaves nothing that is offered, and publishes when it is run again: %s',
    async (_, at, isDone) => {
      await expect(publish(new Death(at, isDone))).rejects.toThrow('killed');
      expect(await offered()).toBe(0);
      expect(await missing()).toEqual([]);

      const repository = new FirmwareRepository(registry, DEFAULT_KEY_PREFIXES);
      if ((await repository.type('lamp', NEVER)).releases.size === 0) {
        // The second attempt has another time, and so another mtime for the same files.
        expect(await publish(IMMORTAL, LATER)).toMatchObject({ made: true });
      } else {
        await expect(publish(IMMORTAL, LATER)).rejects.toThrow(/with this very image/);
      }
      const state = await repository.type('lamp', NEVER);
      expect(state.log.map(({ action }) => action)).toEqual(['publish']);
      const release = state.releases.get('1.0.0');
      const mtimes = [...files.values()].map(({ mtime }) => new Date(mtime * 1000).toISOString());
      expect(mtimes).toEqual([release?.publishedAt, release?.publishedAt]);
      expect(await missing()).toEqual([]);
    },
  );

  it('leaves what a repair needs, which puts back what a server has lost', async () => {
    await expect(publish(new Death(4, true))).rejects.toThrow('killed');
    files.clear();
    const state = await new FirmwareRepository(registry, DEFAULT_KEY_PREFIXES).type('lamp', NEVER);
    const file = checked(readFirmware(IMAGE, hash));
    const repair = checked(prepareRepair(state, '1.0.0', file, SIGNATURE, hash));
    await uploadFiles(repair.release, repair.files, uploader(IMMORTAL), PROGRESS, NEVER);
    expect(await missing()).toEqual([]);
  });
});
