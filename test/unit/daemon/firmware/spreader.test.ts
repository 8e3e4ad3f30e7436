import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Address } from '../../../../src/core/address.js';
import { DEFAULT_KEY_PREFIXES } from '../../../../src/core/keys.js';
import { Spreader } from '../../../../src/daemon/firmware/spreader.js';
import { releaseKey, rolloutKey } from '../../../../src/firmware/keys.js';
import { encodeRelease, mtimeOf, type Release } from '../../../../src/firmware/release.js';
import { encodeRollout } from '../../../../src/firmware/rollout.js';
import type { ReleaseKeys } from '../../../../src/firmware/signature.js';
import { FakeBlobs, FakePeers, sha256Of } from '../../../support/fake-blobs.js';
import { FakeRegistry } from '../../../support/fake-registry.js';
import { releaseKeyPair } from '../../../support/release-signer.js';
import { recordingLog, recordingMeter } from '../../../support/silent.js';

const AT = '2026-11-27T12:00:00.000Z';
const SELF = '10.0.0.1:8080' as Address;
const OTHER = '10.0.0.2:8080' as Address;
const THIRD = '10.0.0.3:8080' as Address;

function release(version: string, content: string): Release {
  return {
    version,
    publishedAt: AT,
    publishedBy: 'ci',
    plain: { sha256: sha256Of(content), md5: 'b'.repeat(32), size: content.length },
    image: { chip: 'esp32', secureBoot: 'none' },
  };
}

describe('Spreader', () => {
  let registry: FakeRegistry;
  let store: FakeBlobs;
  let peers: FakePeers;
  let log: ReturnType<typeof recordingLog>;
  let meter: ReturnType<typeof recordingMeter>;
  let stop: AbortController;
  let spreader: Spreader;
  let done: Promise<void>;
  let releaseKeys: ReleaseKeys | undefined;

  beforeEach(() => {
    vi.useFakeTimers();
    releaseKeys = undefined;
    registry = new FakeRegistry();
    store = new FakeBlobs();
    peers = new FakePeers();
    log = recordingLog();
    meter = recordingMeter();
    stop = new AbortController();
    for (const address of [OTHER, THIRD]) {
      peers.servers.set(address, new FakeBlobs());
      registry.write(`/services/firmware/${address}`, '');
    }
  });
  afterEach(async () => {
    stop.abort();
    await done;
    vi.useRealTimers();
  });

  function start(options = {}): void {
    spreader = new Spreader(
      { prefixes: DEFAULT_KEY_PREFIXES, service: 'firmware', ...options },
      {
        ...{ reader: registry, store, peers, log, meter, clock: () => Date.now(), random: () => 0.5 },
        isOwn: (address) => address === SELF,
        releaseKeys: () => releaseKeys,
      },
    );
    done = spreader.run(stop.signal);
  }

  const pass = (ms = 100) => vi.advanceTimersByTimeAsync(ms);

  /** Creates a release, and lets these servers hold its file. Returns the revision of its record. */
  function publish(version: string, content: string, ...servers: Address[]): number {
    for (const server of servers) peers.servers.get(server)?.put(content);
    return registry.write(
      releaseKey(DEFAULT_KEY_PREFIXES, 'lamp', version),
      encodeRelease(release(version, content)),
    );
  }

  function offer(stable: string): void {
    const rollout = { by: 'ann', at: AT, stable, downgrade: false, secureVersion: 0 };
    registry.write(rolloutKey(DEFAULT_KEY_PREFIXES, 'lamp'), encodeRollout(rollout));
  }

  it('is unready before etcd has been read, and ready when there is no release', async () => {
    start();
    expect(spreader.notReadyReason()).toMatch(/not been compared/);
    await pass();
    expect(spreader.notReadyReason()).toBeUndefined();
    expect(spreader.status()).toEqual({ revision: 0, held: 0, missing: [] });
  });

  it('fetches missing files from any server that has them, and announces the revision', async () => {
    publish('1.0.0', 'one', OTHER);
    const newest = publish('1.1.0', 'two', THIRD);
    offer('1.1.0');
    start();
    await pass();

    expect([...store.files.values()].map(({ content }) => content.toString()).sort()).toEqual(['one', 'two']);
    expect(store.files.get(sha256Of('one'))?.mtime).toBe(mtimeOf(release('1.0.0', 'one')));
    expect(spreader.status()).toEqual({ revision: newest, held: 2, missing: [] });
    expect(spreader.notReadyReason()).toBeUndefined();
  });

  it('stays ready while it fetches a release that a restored etcd has at a revision that it announced before', async () => {
    const restore = registry.snapshot();
    publish('1.0.0', 'one', OTHER);
    offer('1.0.0');
    start();
    await pass();
    expect(spreader.status().revision).toBeGreaterThan(0);

    restore();
    await pass();
    publish('1.0.0', 'another');
    offer('1.0.0');
    await pass();
    expect(spreader.status().missing).toHaveLength(1);
    expect(spreader.notReadyReason()).toBeUndefined();
  });

  it('fetches no file of another region, and announces the revision of its release all the same', async () => {
    const regional = (region: string, content: string) => {
      peers.servers.get(OTHER)?.put(content);
      const key = releaseKey(DEFAULT_KEY_PREFIXES, `lamp@${region}`, '1.1.0');
      return registry.write(key, encodeRelease(release('1.1.0', content)));
    };
    publish('1.0.0', 'everywhere', OTHER);
    regional('eu', 'for eu');
    const newest = regional('us', 'for us');
    const rollout = { by: 'ann', at: AT, stable: '1.1.0', downgrade: false, secureVersion: 0 };
    registry.write(rolloutKey(DEFAULT_KEY_PREFIXES, 'lamp@us'), encodeRollout(rollout));
    start({ region: 'eu' });
    await pass();
    expect([...store.files.values()].map(({ content }) => content.toString()).sort()).toEqual([
      'everywhere',
      'for eu',
    ]);
    expect(spreader.status()).toEqual({ revision: newest, held: 2, missing: [] });
    expect(spreader.notReadyReason()).toBeUndefined();
  });

  it('is ready without the files of another region, wherever they are', async () => {
    const key = releaseKey(DEFAULT_KEY_PREFIXES, 'lamp@us', '1.0.0');
    registry.write(key, encodeRelease(release('1.0.0', 'nowhere')));
    start({ region: 'eu' });
    await pass();
    expect(spreader.notReadyReason()).toBeUndefined();
    expect(spreader.status().missing).toEqual([]);
  });

  it('has compared its files before it says what is missing', async () => {
    publish('1.0.0', 'one');
    offer('1.0.0');
    const order: string[] = [];
    start();
    void spreader.compared.then(() => order.push(`compared: ${spreader.status().missing.length} missing`));
    order.push('started');
    await pass();
    expect(order).toEqual(['started', 'compared: 1 missing']);
  });

  it('becomes ready only once it holds every file that may be offered, and never asks itself', async () => {
    registry.write(`/services/firmware/${SELF}`, '');
    publish('1.0.0', 'one');
    offer('1.0.0');
    start();
    await pass();

    expect(spreader.notReadyReason()).toMatch(/lamp 1\.0\.0/);
    expect(spreader.status().missing).toEqual([
      {
        sha256: sha256Of('one'),
        size: 3,
        releases: ['lamp 1.0.0'],
        state: 'nowhere',
        reason: expect.stringMatching(/--repair/),
      },
    ]);
    expect(log.events('firmware-file-missing')).toHaveLength(1);
    expect(peers.requests.map(([server]) => server)).not.toContain(SELF);

    peers.servers.get(OTHER)?.put('one');
    await pass(120_000);
    expect(spreader.notReadyReason()).toBeUndefined();
  });

  it('says of each missing file how it stands', async () => {
    publish('1.0.0', 'one', OTHER);
    offer('1.0.0');
    let answer = () => {};
    const fetch = peers.fetch.bind(peers);
    peers.fetch = async (...request) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return fetch(...request);
    };
    start();
    await pass();
    expect(spreader.status()).toMatchObject({
      notReady: expect.stringMatching(/lamp 1\.0\.0/),
      missing: [{ state: 'fetching' }],
    });

    answer();
    await pass();
    expect(spreader.status()).toMatchObject({ held: 1, missing: [] });
    expect(spreader.status().notReady).toBeUndefined();
  });

  it('stays ready while it fetches a newer release, which it has not announced', async () => {
    const first = publish('1.0.0', 'one', OTHER);
    offer('1.0.0');
    start();
    await pass();
    publish('1.1.0', 'two');
    offer('1.1.0');
    await pass();

    expect(spreader.status().revision).toBeGreaterThanOrEqual(first);
    expect(spreader.status().missing).toHaveLength(1);
    expect(spreader.notReadyReason()).toBeUndefined();
  });

  it('becomes unready once an announced file is gone, or its content has changed', async () => {
    publish('1.0.0', 'one', OTHER);
    offer('1.0.0');
    start();
    await pass();
    peers.servers.clear();
    const file = store.files.get(sha256Of('one'));
    if (file) file.content = Buffer.from('damaged');
    await pass(30_000);

    expect(spreader.notReadyReason()).toMatch(/lamp 1\.0\.0/);
    expect(log.events('firmware-file-damaged')).toHaveLength(1);
    expect(store.files.size).toBe(0);
  });

  it('resumes an interrupted fetch at another server', async () => {
    publish('1.0.0', 'a long file', OTHER, THIRD);
    peers.breakAfter = 4;
    start();
    await pass(60_000);

    expect(store.files.has(sha256Of('a long file'))).toBe(true);
    expect(peers.requests.map(([, offset]) => offset)).toEqual([0, 4, 8]);
  });

  it('accepts no file whose content does not match its name', async () => {
    publish('1.0.0', 'one', OTHER);
    peers.spoil = () => Buffer.from('eno');
    start();
    await pass();

    expect(store.files.size).toBe(0);
    expect(spreader.status().missing[0]?.reason).toMatch(/does not match its SHA-256/);
  });

  it('ends an answer that is longer than the file', async () => {
    publish('1.0.0', 'one', OTHER);
    peers.spoil = () => Buffer.from('one and a lot more');
    start();
    await pass();

    expect(spreader.status().missing[0]?.reason).toMatch(/more than the 3 bytes/);
  });

  it('fetches nothing that would fill the disk', async () => {
    publish('1.0.0', 'one', OTHER);
    store.space = 1_002;
    start({ reserve: 1_000 });
    await pass();

    expect(peers.requests).toEqual([]);
    expect(spreader.status().missing[0]?.reason).toMatch(/1002 bytes left/);
  });

  it('announces no release from the first one on that it cannot read', async () => {
    const first = publish('1.0.0', 'one', OTHER);
    registry.write(releaseKey(DEFAULT_KEY_PREFIXES, 'lamp', '1.1.0'), '{"of":"a newer sidekick"}');
    publish('1.2.0', 'three', OTHER);
    start();
    await pass();

    expect(spreader.status()).toEqual({ revision: first, held: 2, missing: [] });
  });

  it('finds an uploaded file, and gives it the mtime of its release', async () => {
    start();
    await pass();
    store.put('one', 7);
    publish('1.0.0', 'one');
    await pass();

    expect(spreader.status().missing).toEqual([]);
    expect(store.files.get(sha256Of('one'))?.mtime).toBe(mtimeOf(release('1.0.0', 'one')));
    expect(peers.requests).toEqual([]);
  });

  it('survives a failing disk and an outage of etcd', async () => {
    start();
    await pass();
    store.fault = new Error('EIO');
    registry.fault('down');
    await pass(31_000);
    expect(log.events('firmware-disk-failed').length).toBeGreaterThan(0);

    store.fault = undefined;
    registry.fault('none');
    publish('1.0.0', 'one', OTHER);
    await pass(60_000);
    expect(spreader.status().missing).toEqual([]);
  });

  it('fetches no file of a release that no trusted key has signed, says so once, and is complete without it', async () => {
    const pair = releaseKeyPair();
    releaseKeys = pair.keys;
    const signed = pair.signed('lamp', release('1.0.0', 'one'));
    peers.servers.get(OTHER)?.put('one');
    const revision = registry.write(releaseKey(DEFAULT_KEY_PREFIXES, 'lamp', '1.0.0'), encodeRelease(signed));
    publish('6.6.6', 'malicious', OTHER);
    offer('6.6.6');
    start();
    await pass();
    await pass(60_000);

    expect([...store.files.keys()]).toEqual([sha256Of('one')]);
    expect(spreader.status()).toMatchObject({
      revision,
      missing: [],
      rejected: [{ release: 'lamp 6.6.6', reason: 'the release is not signed' }],
    });
    expect(spreader.notReadyReason()).toBeUndefined();
    expect(log.events('firmware-rejected')).toHaveLength(1);
  });

  it('fetches the files of a release before its time, and when a key is added that has signed it', async () => {
    const pair = releaseKeyPair();
    releaseKeys = releaseKeyPair().keys;
    const later = { ...release('1.0.0', 'one'), publishedAt: '2096-01-01T00:00:00.000Z' };
    peers.servers.get(OTHER)?.put('one');
    const key = releaseKey(DEFAULT_KEY_PREFIXES, 'lamp', '1.0.0');
    registry.write(key, encodeRelease(pair.signed('lamp', later)));
    start();
    await pass();
    expect(store.files.size).toBe(0);

    releaseKeys = pair.keys;
    spreader.releaseKeysChanged();
    await pass();
    expect([...store.files.keys()]).toEqual([sha256Of('one')]);
    expect(spreader.status()).not.toHaveProperty('rejected');
  });

  it('becomes ready only once it holds the stepping stones to what may be offered', async () => {
    const stone = { ...release('1.0.0', 'one'), through: true as const };
    registry.write(releaseKey(DEFAULT_KEY_PREFIXES, 'lamp', '1.0.0'), encodeRelease(stone));
    publish('1.1.0', 'two', OTHER);
    offer('1.1.0');
    start();
    await pass();
    expect(spreader.notReadyReason()).toBe('files are missing that devices may be offered: lamp 1.0.0');

    peers.servers.get(OTHER)?.put('one');
    await pass(60_000);
    expect(spreader.notReadyReason()).toBeUndefined();
  });
});
