/** Processes of `sidekick firmware publish` that are killed, and two that publish the same version, with a real etcd. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/containers/index.js';
import { appImage } from '../../support/firmware-image.js';
import { type Cli, start } from '../cli/cli.js';
import { Publishing } from './publishing.js';

describe('a publisher', () => {
  let publishing: Publishing;

  beforeAll(async () => {
    publishing = await Publishing.start();
    await publishing.holdsAll('10.0.0.11:8080');
    // Of another service, and without any file.
    await publishing.etcd.put('/services/waiting/10.0.0.12:8080', '{"meta":{"firmware":"0"}}');
  });
  afterEach(() => {
    publishing.upload.onRequest = () => {};
    publishing.upload.files.clear();
  });
  afterAll(() => publishing?.close());

  function publish(type: string, fill = 0): readonly string[] {
    const file = publishing.write(`${type}-${fill}.bin`, appImage({ version: '1.0.0', fill }));
    return publishing.publish(file, type, '1.0.0');
  }

  /** Starts `sidekick firmware …` as a process. */
  function begin(args: readonly string[]): Cli {
    return start(['firmware', ...args], publishing.environment);
  }

  async function keysOf(type: string): Promise<readonly string[]> {
    return [...(await publishing.etcd.list(`/sidekick/firmware/${type}/`)).keys()];
  }

  it.each(['PUT', 'GET'])(
    'leaves no release where it is killed at its %s, and succeeds when it is repeated',
    async (at) => {
      const type = `killed-${at}`;
      const asked = new Promise<void>((resolve) => {
        publishing.upload.onRequest = (method) => {
          if (method !== at) return undefined;
          resolve();
          // The answer never comes.
          return new Promise(() => {});
        };
      });
      const process = begin(publish(type));
      await asked;
      process.signal('SIGKILL');
      expect((await process.ended()).signal).toBe('SIGKILL');
      expect(await keysOf(type)).toEqual([]);

      publishing.upload.onRequest = () => {};
      expect(await publishing.run(publish(type))).toMatchObject({ code: 0 });
      expect(await keysOf(type)).toContain(`/sidekick/firmware/${type}/releases/1.0.0`);
    },
  );

  it('has published where it is killed while the files spread, and says so when it is repeated', async () => {
    const process = begin([...publish('spreading'), '--service', 'waiting']);
    await until('the release is there', async () => (await keysOf('spreading')).length > 0);
    process.signal('SIGKILL');
    await process.ended();

    const again = await publishing.run(publish('spreading'));
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/with this very image/)]);
    expect(await publishing.run([...publish('spreading'), '--repair'])).toMatchObject({ code: 0 });
    // Nobody is offered it: that takes a rollout.
    expect(await keysOf('spreading')).not.toContain('/sidekick/firmware/spreading/rollout');
  });

  it('wins alone where two publish one version at once, and the other is told who was first', async () => {
    let waiting = 0;
    let release = () => {};
    const both = new Promise<void>((resolve) => {
      release = resolve;
    });
    publishing.upload.onRequest = (method) => {
      if (method === 'PUT' && ++waiting === 2) release();
      return both;
    };
    const results = await Promise.all([1, 2].map((fill) => publishing.run(publish('twice', fill))));
    const [winner, loser] = results.toSorted((a, b) => a.code - b.code);
    expect([winner?.code, loser?.code]).toEqual([0, 1]);
    expect(loser?.err).toMatch(
      /twice was changed meanwhile by \S+@\S+ at \S+ \(publish: published 1\.0\.0\)/,
    );
    const releases = (await keysOf('twice')).filter((key) => key.includes('/releases/'));
    expect(releases).toHaveLength(1);
  });
});
