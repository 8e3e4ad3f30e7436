import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const { builtAt, commitOf } = (await import(
  new URL('../../../docker/build-info.mjs', import.meta.url).href
)) as {
  builtAt: (env: Readonly<Record<string, string>>, now?: number) => string;
  commitOf: (directory: string, paths?: readonly string[]) => Promise<string | undefined>;
};

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sidekick-checkout-'));
  mkdirSync(join(directory, 'src'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function git(...args: readonly string[]): string {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost'];
  const { status, stdout, stderr } = spawnSync('git', ['-C', directory, ...identity, ...args], {
    encoding: 'utf8',
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

describe('the commit of a build', () => {
  it('is that of the checkout, and says where the sources have changes', async () => {
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '--message', 'Begin');
    const head = git('rev-parse', 'HEAD');
    writeFileSync(join(directory, 'notes'), '');
    expect(await commitOf(directory, ['src'])).toBe(head);
    writeFileSync(join(directory, 'src/main.ts'), '');
    expect(await commitOf(directory, ['src'])).toBe(`${head}-dirty`);
  });

  it('is unknown where there is no checkout', async () => {
    expect(await commitOf(directory)).toBeUndefined();
  });

  it('is unknown in a copy inside another checkout, which it is no part of', async () => {
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '--message', 'Begin');
    expect(await commitOf(join(directory, 'src'))).toBeUndefined();
  });
});

it('the time of a build is SOURCE_DATE_EPOCH where it is set, for builds that can be repeated', () => {
  expect(builtAt({ SOURCE_DATE_EPOCH: '1700000000' }, 0)).toBe('2023-11-14T22:13:20Z');
  expect(builtAt({ SOURCE_DATE_EPOCH: '' }, 1_500)).toBe('1970-01-01T00:00:01Z');
});
