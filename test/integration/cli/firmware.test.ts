/** `sidekick firmware …` on a real etcd, as an operator types it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectEtcd, type EtcdConnection } from '../../../src/adapters/etcd/connect.js';
import { NEVER } from '../../../src/async/abort.js';
import { DEFAULT_KEY_PREFIXES } from '../../../src/core/keys.js';
import { FirmwareRepository } from '../../../src/daemon/firmware/repository.js';
import type { Release } from '../../../src/firmware/release.js';
import { type Output, runCommand } from '../../support/command-line.js';
import { type Etcd, startEtcd, startNetwork, type TestNetwork } from '../../support/containers/index.js';

const AT = '2026-11-27T12:00:00.000Z';

function release(version: string): Release {
  return {
    version,
    publishedAt: AT,
    publishedBy: 'ci@build1',
    plain: { sha256: 'a'.repeat(64), md5: 'b'.repeat(32), size: 1_000 },
    image: { chip: 'esp32', secureBoot: 'none' },
  };
}

describe('sidekick firmware', () => {
  let network: TestNetwork;
  let etcd: Etcd;
  let connection: EtcdConnection;
  let repository: FirmwareRepository;
  let directory: string;
  let type: string;
  let round = 0;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'groups-'));
    network = await startNetwork();
    etcd = await startEtcd(network);
    connection = connectEtcd({ endpoints: [etcd.url] });
    repository = new FirmwareRepository(connection.store, DEFAULT_KEY_PREFIXES);
  });
  afterAll(async () => {
    connection?.close();
    rmSync(directory, { recursive: true });
    await network?.remove();
  });
  beforeEach(async () => {
    type = `lamp-${++round}`;
    for (const version of ['1.2.0', '1.3.0']) {
      const entry = { by: 'ci@build1', at: AT, action: 'publish' as const, text: `published ${version}` };
      const record = { chip: 'esp32', forms: ['file' as const] };
      const ground = await repository.type(type, NEVER);
      await repository.change(ground, { entry, record, release: release(version) }, NEVER);
    }
  });

  function run(...args: readonly string[]): Promise<Output> {
    return runCommand(['firmware', ...args], { SIDEKICK_ETCD_ENDPOINTS: etcd.url, SUDO_USER: 'ann' });
  }

  async function succeed(...args: readonly string[]): Promise<string> {
    const { code, out, err } = await run(...args);
    expect([code, err]).toEqual([0, '']);
    return out;
  }

  it('rolls a release out in phases, pauses it, resumes it, and makes it stable', async () => {
    await succeed('rollout', type, '--version', '1.2.0', '--percent', '100');
    expect(await succeed('promote', type)).toMatch(/1\.2\.0/);
    expect(await succeed('rollout', type, '--percent', '12.5')).toMatch(/1\.3\.0 is offered to 12\.5 %/);
    await succeed('pause', type, '--reason', 'too warm');
    expect(await succeed('show', type)).toMatch(
      /1\.2\.0 is stable; .*12\.5 %.*paused .* by ann@.*: too warm/,
    );
    await succeed('resume', type, '--percent', '5');
    await succeed('promote', type);
    expect(await succeed('list')).toMatch(new RegExp(`${type} \\(esp32\\): 2 releases; 1\\.3\\.0 is stable`));
    expect(await succeed('rollback', type)).toMatch(/1\.2\.0 is the stable release again/);

    const log = JSON.parse(await succeed('log', type, '--json')) as { action: string; by: string }[];
    expect(log.map(({ action }) => action)).toEqual([
      ...['publish', 'publish', 'rollout', 'promote', 'rollout', 'pause', 'resume', 'promote', 'rollback'],
    ]);
    expect(log.at(-1)?.by).toMatch(/^ann@/);
  });

  it('begins phases by hand, and shows how far the release has come', async () => {
    const gates = ['--phases', '1%,10%,100%', '--after', '60', '--every', '1h', '--rate', '200KB'];
    const limit = ['--max-failures', '2%', '--min', '30', '--rescue', '1.2.0'];
    expect(await succeed('rollout', type, '--version', '1.3.0', ...gates, ...limit)).toMatch(/1\.3\.0.*1 %/);
    expect(await succeed('rollout', type, '--next')).toMatch(/1\.3\.0.*10 %/);
    const status = JSON.parse(await succeed('status', type, '--json')) as {
      candidate: object;
      progress: { phases: { percent: number; offered: number }[]; next: object };
    };
    expect(status.candidate).toMatchObject({ percent: 10, rate: 200_000, rescue: ['1.2.0'] });
    expect(status.progress.phases.map(({ percent, offered }) => [percent, offered])).toEqual([
      [1, 0],
      [10, 0],
    ]);
    expect(status.progress.next).toMatchObject({ percent: 100, begins: 'gate' });
    expect(await succeed('status', type)).toMatch(new RegExp(`${type}[^]*1\\.3\\.0[^]*10 %`));
    expect(await succeed('log', type)).toMatch(/ann@.*phase: /);
  });

  it('counts whom a release would reach, and offers it to nobody', async () => {
    await succeed('rollout', type, '--shadow', '--version', '1.3.0', '--percent', '10');
    const status = JSON.parse(await succeed('status', type, '--json')) as object;
    expect(status).toMatchObject({ offered: [], shadow: { version: '1.3.0', percent: 10, devices: 0 } });
    await succeed('rollout', type, '--shadow', '--percent', '0');
    expect(JSON.parse(await succeed('status', type, '--json'))).not.toHaveProperty('shadow');
  });

  it('keeps groups of devices, whose ids it takes in any notation', async () => {
    const group = (...args: readonly string[]) => succeed('group', type, 'bench', ...args);
    expect(await group('--add', '24-6F-28-AA-BB-CC,225106385727268', '--add', 'lamp.7')).toMatch(
      /group bench has 2 devices: 2 added/,
    );
    expect(await group('--add', 'LAMP.7')).toMatch(/stays as it is/);
    expect(await group()).toBe('24:6f:28:aa:bb:cc\nlamp.7');
    expect(await succeed('rollout', type, '--group', 'bench')).toMatch(/is offered to the group bench/);
    const removed = JSON.parse(await group('--remove', '246f28aabbcc', '--json')) as object;
    expect(removed).toMatchObject({ action: 'group', by: expect.stringMatching(/^ann@/), type });
    expect(JSON.parse(await group('--json'))).toEqual({ type, group: 'bench', ids: ['lamp.7'] });

    const file = path.join(directory, 'bench.txt');
    writeFileSync(file, '# the bench\nAABBCCDDEEFF\n\nlamp.9\r\n');
    expect(await group('--file', file)).toMatch(/2 devices: 2 added, 1 removed/);
    const { code, err } = await run('group', type, 'bench', '--delete');
    expect([code, err]).toEqual([1, expect.stringMatching(/is offered to group bench\npromote it, /)]);
    await succeed('rollback', type);
    await group('--delete');
    expect(await succeed('show', type)).not.toMatch(/group bench/);
    expect(await succeed('log', type)).toMatch(/ann@.*group: group bench is deleted/);
  });

  it.each([
    [
      ['rollout', 'TYPE', '--version', '9.9.9', '--percent', '1'],
      /no release 9\.9\.9.*choose one of its newest/s,
    ],
    [['rollout', 'TYPE', '--percent', '10', '--group', 'nobody'], /nobody/],
    [['rollout', 'TYPE', '--phases', '10%,5%'], /phases /],
    [['rollout', 'TYPE', '--percent', '10', '--after', '60'], /no phases that could wait\ngive --phases/],
    [['rollout', 'TYPE', '--percent', '10', '--min', '60'], /--min belongs to a limit of failures/],
    [['rollout', 'TYPE', '--version', '1.3.0', '--percent', '10', '--rescue', '1.3.0'], /cannot rescue/],
    [['rollout', 'TYPE', '--next'], /no release is being rolled out/],
    [['pause', 'TYPE'], /no release is being rolled out/],
    [['promote', 'TYPE'], /no release is being rolled out/],
    [['rollback', 'TYPE'], /no release to go back to/],
    [['prune', 'TYPE'], /no release to delete/],
    [
      ['group', 'TYPE', 'bench'],
      /has no group bench\nmake it first: sidekick firmware group .* bench --add ID/,
    ],
    [['group', 'nothing', 'bench', '--add', 'a'], /nothing has been published of type nothing/],
    [['show', 'nothing'], /nothing has been published of type nothing/],
  ])('refuses %j with a reason and a remedy, and exits with 1', async (args, expected) => {
    const { code, out, err } = await run(...args.map((arg) => (arg === 'TYPE' ? type : arg)));
    expect(err).toMatch(expected);
    expect([code, out]).toEqual([1, '']);
  });

  it.each([
    [['rollout', 'bad/type', '--percent', '1'], /type: must be letters/],
    [['rollout', 'lamp', '--percent', '101'], /percent: must be a percentage from 0 to 100/],
    [['rollout', 'lamp', '--version', 'newest'], /version: must be a version such as 1\.3\.0/],
    [['rollout', 'lamp', '--not-before', 'tomorrow'], /notBefore: must be a time in ISO 8601 with its zone/],
    [['rollout', 'lamp', '--not-before', '2026-12-01T08:00:00'], /notBefore: must be a time in ISO 8601/],
    [['rollout', 'lamp', '--not-before', '2026-13-01T08:00:00Z'], /notBefore: must be a time in ISO 8601/],
    [['rollout', 'lamp', '--rate', '200kB'], /rate: must be a number of bytes per second/],
    [['rollout', 'lamp', '--rate', '0'], /rate: must be a number of bytes per second/],
    [['rollout', 'lamp', '--rate', '1001MB'], /rate: must be a number of bytes per second/],
    [['rollout', 'lamp', '--next', '--shadow'], /give either --next or --shadow/],
    [['rollout', 'lamp', '--next', '--percent', '5'], /--percent does not go with --next/],
    [['rollout', 'lamp', '--shadow', '--group', 'bench'], /--group does not go with --shadow/],
    [['prune', 'lamp', '--keep', '0'], /keep: must be an integer from 1/],
    [['group', 'lamp', 'bench', '--add', 'a b'], /add: must be the id of a device/],
    [['group', 'lamp', '-', '--add', 'a'], /group: must be letters/],
    [['group', 'lamp', 'bench', '--file', '/nowhere'], /file: must be a file that can be read/],
    [['group', 'lamp', 'bench', '--add', 'a', '--delete'], /give --add and --remove, or --file, or --delete/],
    [['nonsense'], /commands are publish, list, show, group, rollout/],
  ])('exits with 2 for the wrong usage %j', async (args, expected) => {
    const { code, err } = await run(...args);
    expect(err).toMatch(expected);
    expect(code).toBe(2);
  });

  it('commits the change of one of two operators, and names that operator to the other', async () => {
    const results = await Promise.all([
      run('rollout', type, '--version', '1.2.0', '--percent', '1'),
      run('rollout', type, '--version', '1.3.0', '--percent', '2'),
      run('rollout', type, '--version', '1.3.0', '--percent', '3'),
    ]);
    const lost = results.filter(({ code }) => code !== 0);
    const changes = (await repository.type(type, NEVER)).log.filter(({ action }) => action === 'rollout');
    // Those that read after another's change build on it; those that read before it are told.
    expect(changes.length + lost.length).toBe(3);
    for (const { err } of lost) expect(err).toMatch(/changed meanwhile by ann@.* \(rollout: /);
  });

  it('refuses to delete a release that the rollout names', async () => {
    await succeed('rollout', type, '--version', '1.2.0', '--percent', '1');
    const { code, err } = await run('prune', type, '--keep', '1');
    expect([code, err]).toEqual([1, expect.stringMatching(/no release to delete/)]);
    expect([...(await repository.type(type, NEVER)).releases.keys()]).toEqual(['1.2.0', '1.3.0']);
  });
});
