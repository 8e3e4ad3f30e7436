import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { FirmwareRepository, type TypeChange } from '../../../../src/daemon/firmware/repository.js';
import type { LogEntry, LoggedAction } from '../../../../src/firmware/log-entry.js';
import type { Release } from '../../../../src/firmware/release.js';
import type { Rollout } from '../../../../src/firmware/rollout.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { releaseKeyPair } from '../../../support/release-signer.js';

const NEVER = new AbortController().signal;
const AT = '2026-11-27T12:00:00.000Z';

const ROLLOUT: Rollout = { by: 'ann@ops', at: AT, downgrade: false, secureVersion: 0 };

function entry(by: string, action: LoggedAction, text: string): LogEntry {
  return { by, at: AT, action, text };
}

function release(version: string): Release {
  return {
    version,
    publishedAt: AT,
    publishedBy: 'ci@build1',
    plain: { sha256: 'a'.repeat(64), md5: 'b'.repeat(32), size: 1_000 },
    image: { chip: 'esp32', secureBoot: 'none' },
  };
}

function publication(version: string): TypeChange {
  return {
    entry: entry('ci@build1', 'publish', `published ${version}`),
    record: { chip: 'esp32', forms: ['file'] },
    rollout: ROLLOUT,
    release: release(version),
  };
}

describe('FirmwareRepository', () => {
  let registry: FakeRegistry;
  let repository: FirmwareRepository;

  beforeEach(() => {
    registry = new FakeRegistry();
    repository = new FirmwareRepository(registry, DEFAULT_KEY_PREFIXES);
  });

  async function make(change: TypeChange) {
    return repository.change(await repository.type('lamp', NEVER), change, NEVER);
  }

  it('reads back what a change wrote, with the change in the log', async () => {
    expect(await make(publication('1.2.0'))).toEqual({ made: true, revision: registry.revision });
    expect(await make(publication('1.10.0'))).toMatchObject({ made: true });

    const lamp = (await repository.types(NEVER)).get('lamp');

    expect([...(lamp?.releases.keys() ?? [])]).toEqual(['1.2.0', '1.10.0']);
    expect(lamp).toMatchObject({ record: { chip: 'esp32' }, rollout: ROLLOUT, unreadable: [] });
    expect(lamp?.log.map(({ text }) => text)).toEqual(['published 1.2.0', 'published 1.10.0']);
  });

  it('commits one of two publications of a version, and names its publisher to the other', async () => {
    const ground = await repository.type('lamp', NEVER);

    const [first, second] = await Promise.all(
      ['ann', 'bob'].map((by) => {
        const change = publication('1.2.0');
        return repository.change(ground, { ...change, entry: { ...change.entry, by } }, NEVER);
      }),
    );

    expect(first).toMatchObject({ made: true });
    expect(second).toEqual({ made: false, by: { ...publication('1.2.0').entry, by: 'ann' } });
  });

  it('gives a release another signature, on the ground of the release that was read', async () => {
    const pair = releaseKeyPair();
    await make(publication('1.2.0'));
    const ground = await repository.type('lamp', NEVER);
    const signedAnew = pair.signed('lamp', release('1.2.0'));
    const change = { entry: entry('ann', 'publish', 'signed 1.2.0 anew'), signedAnew };
    expect(await repository.change(ground, change, NEVER)).toMatchObject({ made: true });
    expect((await repository.type('lamp', NEVER)).releases.get('1.2.0')).toEqual(signedAnew);

    // Nor does it bring back a release that was deleted meanwhile.
    const gone = await repository.type('lamp', NEVER);
    registry.delete('/sidekick/firmware/lamp/releases/1.2.0');
    expect(await repository.change(gone, change, NEVER)).toMatchObject({ made: false });
  });

  it('makes no change after a newer change, and names the newest change', async () => {
    await make(publication('1.2.0'));
    const ground = await repository.type('lamp', NEVER);
    await make({ entry: entry('ann', 'rollout', 'to 10 %'), rollout: { ...ROLLOUT, stable: '1.2.0' } });
    await make({ entry: entry('bob', 'pause', 'paused'), rollout: ROLLOUT });

    const late = await repository.change(
      ground,
      { entry: entry('eve', 'promote', 'to all'), rollout: { ...ROLLOUT, stable: '1.2.0' } },
      NEVER,
    );

    expect(late).toEqual({ made: false, by: expect.objectContaining({ by: 'ann' }) });
    expect((await repository.type('lamp', NEVER)).rollout).toEqual(ROLLOUT);
  });

  it('names no release in a rollout that was pruned meanwhile', async () => {
    await make(publication('1.2.0'));
    const ground = await repository.type('lamp', NEVER);
    registry.delete('/sidekick/firmware/lamp/releases/1.2.0');

    const late = await repository.change(
      ground,
      { entry: entry('ann', 'rollout', 'to all'), rollout: { ...ROLLOUT, stable: '1.2.0' } },
      NEVER,
    );

    expect(late).toEqual({ made: false, by: undefined });
  });

  it('deletes releases, and creates no release that exists', async () => {
    await make(publication('1.2.0'));
    await make(publication('1.3.0'));
    await make({ entry: entry('ann', 'prune', 'pruned 1.2.0'), prune: ['1.2.0'] });
    expect([...(await repository.type('lamp', NEVER)).releases.keys()]).toEqual(['1.3.0']);

    expect(await make(publication('1.3.0'))).toMatchObject({ made: false });
  });

  it('writes a group and deletes it, each only if nothing has changed since the read', async () => {
    await make(publication('1.2.0'));
    const ground = await repository.type('lamp', NEVER);
    const group = { name: 'bench', ids: ['24:6f:28:aa:bb:cc'] };
    expect(await make({ entry: entry('ann', 'group', 'made'), group })).toMatchObject({ made: true });
    expect((await repository.type('lamp', NEVER)).groups).toEqual(new Map([['bench', group.ids]]));

    const late = { entry: entry('bob', 'group', 'made'), group: { name: 'bench', ids: [] } };
    expect(await repository.change(ground, late, NEVER)).toEqual({
      made: false,
      by: expect.objectContaining({ by: 'ann' }),
    });

    await make({ entry: entry('ann', 'group', 'deleted'), deleteGroup: 'bench' });
    expect((await repository.type('lamp', NEVER)).groups).toEqual(new Map());
  });

  it('decides by the log whether a change was made whose answer was lost', async () => {
    const ground = await repository.type('lamp', NEVER);
    const commit = registry.commit.bind(registry);
    let lose = true;
    registry.commit = async (...args) => {
      const result = await commit(...args);
      if (!lose) return result;
      lose = false;
      throw new Error('no answer');
    };

    expect(await repository.change(ground, publication('1.2.0'), NEVER)).toMatchObject({ made: true });
  });

  it('rejects if it cannot ask etcd whether a change was made', async () => {
    const ground = await repository.type('lamp', NEVER);
    registry.fault('down');

    await expect(repository.change(ground, publication('1.2.0'), NEVER)).rejects.toThrow(/down/);
  });

  it('lists what it cannot read, and treats it as missing', async () => {
    await make(publication('1.2.0'));
    registry.write('/sidekick/firmware/lamp/rollout', '{"stable":7}');
    registry.write('/sidekick/firmware/lamp/releases/1.3.0', '[]');
    registry.write('/sidekick/firmware/lamp-pro/nonsense', '{}');

    const types = await repository.types(NEVER);

    expect([...types.keys()]).toEqual(['lamp']);
    expect(types.get('lamp')?.rollout).toBeUndefined();
    expect(types.get('lamp')?.unreadable.map(({ key }) => key)).toEqual([
      '/sidekick/firmware/lamp/rollout',
      '/sidekick/firmware/lamp/releases/1.3.0',
    ]);
  });
});
