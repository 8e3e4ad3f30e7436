/** What every registry must do, the fake as well as etcd. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EtcdError, LeaseGoneError } from '../../../src/core/errors.js';
import { MAX_VALUE_BYTES, type RegistryClient, type RegistryReader } from '../../../src/core/ports.js';
import { until } from '../../support/containers/until.js';
import { Recorder } from '../../support/recorder.js';

/** A registry under test, and what the suite must be able to do to it. */
interface Subject {
  readonly reader: RegistryReader;
  readonly store: RegistryClient;
  /** Makes the registry unreachable, and reachable again. */
  interrupt(): void;
  resume(): void;
  /** Lets this many ms pass for leases. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** A registry that answers, and does not do what it is asked. */
interface RefusingSubject {
  readonly reader: RegistryReader;
  readonly store: RegistryClient;
  /** Whether it lets itself be read. */
  readonly readable: boolean;
  close(): Promise<void>;
}

const NEVER = new AbortController().signal;

export function describeRegistry(name: string, start: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let prefix: string;
    let round = 0;

    beforeAll(async () => {
      subject = await start();
    });
    afterAll(async () => subject?.close());
    beforeEach(() => {
      prefix = `/contract/${++round}/`;
    });

    /** Follows until the test is over; the recorder keeps what was shown. */
    function follow(prefixes: readonly string[]): Recorder & AsyncDisposable {
      const stop = new AbortController();
      const recorder = new Recorder();
      const done = subject.reader.watch(prefixes, recorder, stop.signal);
      return Object.assign(recorder, {
        async [Symbol.asyncDispose]() {
          stop.abort();
          await done;
        },
      });
    }

    describe('store', () => {
      it('reads back what it wrote, with its revision', async () => {
        const revision = await subject.store.put(`${prefix}a`, 'one', {}, NEVER);

        const found = await subject.store.read([`${prefix}a`, `${prefix}b`], NEVER);

        expect([...found.values()]).toEqual([
          { key: `${prefix}a`, value: 'one', revision, created: revision },
        ]);
      });

      it('has at least the revision of the last write, whichever key is asked for', async () => {
        const revision = await subject.store.put(`${prefix}a`, 'one', {}, NEVER);

        expect(await subject.store.currentRevision(`${prefix}b`, NEVER)).toBeGreaterThanOrEqual(revision);
      });

      it('gives each write a higher revision', async () => {
        const first = await subject.store.put(`${prefix}a`, 'one', {}, NEVER);
        const second = await subject.store.put(`${prefix}a`, 'one', {}, NEVER);

        expect(second).toBeGreaterThan(first);
      });

      it('lists a prefix on its exact boundary', async () => {
        await subject.store.put(`${prefix}mqtt/a`, '', {}, NEVER);
        await subject.store.put(`${prefix}mqtt-lab/a`, '', {}, NEVER);

        const listed = await subject.store.list(`${prefix}mqtt/`, NEVER);

        expect(listed.map(({ key }) => key)).toEqual([`${prefix}mqtt/a`]);
      });

      it('reads more keys than one transaction can carry', async () => {
        const keys = Array.from({ length: 300 }, (_, index) => `${prefix}${index}`);
        await Promise.all(keys.map((key) => subject.store.put(key, 'x', {}, NEVER)));

        expect((await subject.store.read(keys, NEVER)).size).toBe(300);
      });

      it('lists a value that is too long without its bytes, and reads it whole by its key', async () => {
        const long = '\u00e9'.repeat(MAX_VALUE_BYTES / 2);
        await subject.store.put(`${prefix}fits`, long, {}, NEVER);
        await subject.store.put(`${prefix}too-long`, `${long}x`, {}, NEVER);

        const listed = await subject.store.list(prefix, NEVER);
        const read = await subject.store.read([`${prefix}too-long`], NEVER);

        const told = listed.map(({ key, value, oversized }) => [key, value.length, oversized]);
        expect(told).toEqual([
          [`${prefix}fits`, MAX_VALUE_BYTES / 2, undefined],
          [`${prefix}too-long`, 0, MAX_VALUE_BYTES + 1],
        ]);
        expect(read.get(`${prefix}too-long`)?.value).toBe(`${long}x`);
      });

      it('shows the lease of a key, and removes the key when the lease ends', async () => {
        const lease = await subject.store.grant(60_000, NEVER);
        await subject.store.put(`${prefix}a`, 'one', { lease }, NEVER);
        const before = await subject.store.list(prefix, NEVER);

        await subject.store.revoke(lease, NEVER);

        expect(before[0]?.lease).toBe(lease);
        expect(await subject.store.list(prefix, NEVER)).toEqual([]);
      });

      it('removes a key, and returns whether it existed', async () => {
        await subject.store.put(`${prefix}a`, 'one', {}, NEVER);

        expect(await subject.store.remove(`${prefix}a`, {}, NEVER)).toBe(true);
        expect(await subject.store.remove(`${prefix}a`, {}, NEVER)).toBe(false);
      });

      it('removes a key only while it is attached to the given lease', async () => {
        const ours = await subject.store.grant(60_000, NEVER);
        const theirs = await subject.store.grant(60_000, NEVER);
        await subject.store.put(`${prefix}a`, 'one', { lease: theirs }, NEVER);

        expect(await subject.store.remove(`${prefix}a`, { lease: ours }, NEVER)).toBe(false);
        expect(await subject.store.remove(`${prefix}a`, { lease: theirs }, NEVER)).toBe(true);
      });

      it('commits writes together while the keys are as they were read', async () => {
        const [changed, created, gone] = [`${prefix}changed`, `${prefix}created`, `${prefix}gone`];
        const read = await subject.store.put(changed, 'one', {}, NEVER);
        await subject.store.put(gone, 'x', {}, NEVER);
        const transaction = {
          expected: new Map([
            [changed, read],
            [created, 0],
          ]),
          puts: new Map([
            [changed, 'two'],
            [created, 'new'],
          ]),
          deletes: [gone],
        };

        const first = await subject.store.commit(transaction, NEVER);
        const second = await subject.store.commit(transaction, NEVER);

        expect(first).toEqual({ committed: true, revision: expect.any(Number) });
        const revision = first.committed ? first.revision : 0;
        const current = new Map([
          [changed, { key: changed, value: 'two', revision, created: read }],
          [created, { key: created, value: 'new', revision, created: revision }],
        ]);
        expect(second).toEqual({ committed: false, current });
        expect((await subject.store.list(prefix, NEVER)).map(({ key }) => key).sort()).toEqual([
          changed,
          created,
        ]);
      });

      it('commits nothing while an expected key does not exist', async () => {
        const transaction = {
          expected: new Map([[`${prefix}missing`, 7]]),
          puts: new Map([[`${prefix}a`, 'one']]),
        };

        expect(await subject.store.commit(transaction, NEVER)).toEqual({
          committed: false,
          current: new Map(),
        });
        expect(await subject.store.list(prefix, NEVER)).toEqual([]);
      });

      it('commits only one of several transactions on the same key', async () => {
        const attempts = await Promise.all(
          ['a', 'b', 'c'].map((name) =>
            subject.store.commit(
              { expected: new Map([[`${prefix}one`, 0]]), puts: new Map([[`${prefix}one`, name]]) },
              NEVER,
            ),
          ),
        );

        expect(attempts.filter(({ committed }) => committed)).toHaveLength(1);
      });

      it('moves a key from one lease to another with a put', async () => {
        const [first, second] = [
          await subject.store.grant(60_000, NEVER),
          await subject.store.grant(60_000, NEVER),
        ];
        await subject.store.put(`${prefix}a`, 'one', { lease: first }, NEVER);
        await subject.store.put(`${prefix}a`, 'two', { lease: second }, NEVER);

        await subject.store.revoke(first, NEVER);

        expect((await subject.store.list(prefix, NEVER)).map(({ value }) => value)).toEqual(['two']);
      });

      it('keeps a lease alive, and loses it when the keepalives stop', async () => {
        const kept = await subject.store.grant(2000, NEVER);
        const left = await subject.store.grant(2000, NEVER);
        await subject.store.put(`${prefix}kept`, '', { lease: kept }, NEVER);
        await subject.store.put(`${prefix}left`, '', { lease: left }, NEVER);

        await until('the other lease has ended', async () => {
          await subject.store.keepAlive(kept, NEVER);
          await subject.pass(300);
          return (await subject.store.read([`${prefix}left`], NEVER)).size === 0;
        });

        expect((await subject.store.list(prefix, NEVER)).map(({ key }) => key)).toEqual([`${prefix}kept`]);
        await expect(subject.store.keepAlive(left, NEVER)).rejects.toBeInstanceOf(LeaseGoneError);
      });

      it('reports that a revoked lease is gone, and accepts revoking it again', async () => {
        const lease = await subject.store.grant(60_000, NEVER);
        await subject.store.revoke(lease, NEVER);

        await expect(subject.store.keepAlive(lease, NEVER)).rejects.toBeInstanceOf(LeaseGoneError);
        await expect(subject.store.put(`${prefix}a`, '', { lease }, NEVER)).rejects.toBeInstanceOf(
          LeaseGoneError,
        );
        await expect(subject.store.revoke(lease, NEVER)).resolves.toBeUndefined();
      });

      it('says whether a lease exists', async () => {
        const lease = await subject.store.grant(60_000, NEVER);
        expect(await subject.store.leaseExists(lease, NEVER)).toBe(true);
        await subject.store.revoke(lease, NEVER);
        expect(await subject.store.leaseExists(lease, NEVER)).toBe(false);
      });

      it('rejects with the reason of an aborted signal', async () => {
        const reason = new Error('enough');

        await expect(subject.store.list(prefix, AbortSignal.abort(reason))).rejects.toBe(reason);
      });

      it('rejects with a retryable EtcdError while etcd is unavailable, and works again after that', async () => {
        subject.interrupt();
        try {
          const failure = await subject.store
            .put(`${prefix}a`, '', {}, NEVER)
            .catch((error: unknown) => error);
          expect(failure).toBeInstanceOf(EtcdError);
          expect((failure as EtcdError).retryable).toBe(true);
        } finally {
          subject.resume();
        }

        await until('it answers again', () => subject.store.put(`${prefix}a`, 'back', {}, NEVER));
        expect((await subject.store.list(prefix, NEVER)).map(({ value }) => value)).toEqual(['back']);
      });
    });

    describe('reader', () => {
      it('shows every key at first, each of them as changed', async () => {
        await subject.store.put(`${prefix}a`, 'one', {}, NEVER);
        const revision = await subject.store.put(`${prefix}b`, 'two', {}, NEVER);

        await using seen = follow([prefix]);

        await seen.has({ [`${prefix}a`]: 'one', [`${prefix}b`]: 'two' });
        expect(seen.views[0]?.changed).toEqual(new Set([`${prefix}a`, `${prefix}b`]));
        expect(seen.views[0]?.revision).toBeGreaterThanOrEqual(revision);
      });

      it('shows an empty prefix as empty', async () => {
        await using seen = follow([prefix]);

        await seen.has({});
      });

      it('shows puts, changes and deletions, each as the key that changed', async () => {
        await using seen = follow([prefix]);
        await seen.has({});

        await subject.store.put(`${prefix}a`, 'one', {}, NEVER);
        await seen.has({ [`${prefix}a`]: 'one' });
        await subject.store.put(`${prefix}a`, 'two', {}, NEVER);
        await seen.has({ [`${prefix}a`]: 'two' });
        await subject.store.remove(`${prefix}a`, {}, NEVER);
        await seen.has({});

        expect(seen.views.slice(1).map(({ changed }) => [...changed])).toEqual(
          Array.from({ length: 3 }, () => [`${prefix}a`]),
        );
      });

      it('shows the end of a lease as the deletion of its keys', async () => {
        const lease = await subject.store.grant(60_000, NEVER);
        await subject.store.put(`${prefix}a`, 'one', { lease }, NEVER);
        await using seen = follow([prefix]);
        await seen.has({ [`${prefix}a`]: 'one' });
        expect(seen.last?.entries.get(`${prefix}a`)?.lease).toBe(lease);

        await subject.store.revoke(lease, NEVER);

        await seen.has({});
      });

      it('follows several prefixes in one view, and nothing beside them', async () => {
        await subject.store.put(`${prefix}one/a`, '1', {}, NEVER);
        await subject.store.put(`${prefix}two/b`, '2', {}, NEVER);
        await subject.store.put(`${prefix}one-more/c`, '3', {}, NEVER);

        await using seen = follow([`${prefix}one/`, `${prefix}two/`]);

        await seen.has({ [`${prefix}one/a`]: '1', [`${prefix}two/b`]: '2' });
        await subject.store.put(`${prefix}one-more/d`, '4', {}, NEVER);
        await subject.store.put(`${prefix}two/e`, '5', {}, NEVER);
        await seen.has({ [`${prefix}one/a`]: '1', [`${prefix}two/b`]: '2', [`${prefix}two/e`]: '5' });
      });

      it('shows more keys of several prefixes in the first view than fit one page', async () => {
        const keys = Array.from({ length: 1200 }, (_, index) => `${prefix}${index % 2}/${index}`);
        for (let at = 0; at < keys.length; at += 100) {
          const some = keys.slice(at, at + 100);
          await Promise.all(some.map((key) => subject.store.put(key, 'x'.repeat(500), {}, NEVER)));
        }

        await using seen = follow([`${prefix}0/`, `${prefix}1/`]);

        await until('the first view', () => seen.views.length > 0);
        expect(seen.views[0]?.entries.size).toBe(1200);
      });

      it('shows a value that is too long without its bytes, at first and when it changes', async () => {
        await subject.store.put(`${prefix}a`, 'x'.repeat(MAX_VALUE_BYTES + 1), {}, NEVER);
        await using seen = follow([prefix]);
        await seen.has({ [`${prefix}a`]: '' });
        expect(seen.last?.entries.get(`${prefix}a`)?.oversized).toBe(MAX_VALUE_BYTES + 1);

        await subject.store.put(`${prefix}a`, 'good again', {}, NEVER);
        await seen.has({ [`${prefix}a`]: 'good again' });
        await subject.store.put(`${prefix}a`, 'x'.repeat(MAX_VALUE_BYTES + 2), {}, NEVER);
        await seen.has({ [`${prefix}a`]: '' });

        expect(seen.last?.entries.get(`${prefix}a`)?.oversized).toBe(MAX_VALUE_BYTES + 2);
      });

      it('leaves the views that it has shown unchanged', async () => {
        await using seen = follow([prefix]);
        await seen.has({});
        await subject.store.put(`${prefix}a`, 'one', {}, NEVER);
        await seen.has({ [`${prefix}a`]: 'one' });

        expect(seen.views[0]?.entries.size).toBe(0);
      });

      it('reports once that etcd is unavailable, then shows what was missed', async () => {
        await subject.store.put(`${prefix}a`, 'one', {}, NEVER);
        await using seen = follow([prefix]);
        await seen.has({ [`${prefix}a`]: 'one' });

        subject.interrupt();
        try {
          await seen.isAway(1);
        } finally {
          subject.resume();
        }
        await until('it answers again', () => subject.store.put(`${prefix}b`, 'two', {}, NEVER));

        await seen.has({ [`${prefix}a`]: 'one', [`${prefix}b`]: 'two' });
        expect(seen.outages).toHaveLength(1);
      });

      it('shows a view without changes after an outage in which nothing changed', async () => {
        await using seen = follow([prefix]);
        await seen.has({});
        subject.interrupt();
        try {
          await seen.isAway(1);
        } finally {
          subject.resume();
        }

        await until('a view after the outage', () => seen.views.length > 1);

        expect(seen.last?.changed.size).toBe(0);
      });

      it('resolves when it is aborted, even before the first view', async () => {
        await expect(
          subject.reader.watch([prefix], new Recorder(), AbortSignal.abort()),
        ).resolves.toBeUndefined();
      });
    });
  });
}

/** What every registry must do that refuses, for the reason that `code` stands for. */
export function describeRefusal(name: string, code: string, start: () => Promise<RefusingSubject>): void {
  describe(name, () => {
    let subject: RefusingSubject;

    beforeAll(async () => {
      subject = await start();
    });
    afterAll(async () => subject?.close());

    it('rejects a refused write with its reason, unlike a write without an answer', async () => {
      const failure = await subject.store.put('/refused/a', '', {}, NEVER).catch((error: unknown) => error);

      expect(failure).toMatchObject({ code, refused: true, retryable: false });
    });

    it('reports a refused read to the observer, or reads all the same', async () => {
      const stop = new AbortController();
      const seen = new Recorder();
      const done = subject.reader.watch(['/refused/'], seen, stop.signal);
      await until('the observer is told', () => seen.views.length + seen.outages.length > 0);
      stop.abort();
      await done;

      expect(seen.views.length > 0).toBe(subject.readable);
      if (!subject.readable) expect(seen.outages).toMatchObject([{ code, refused: true }]);
    });
  });
}
