import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileFollower } from '../../../src/commands/follow-files.js';
import { createFileReader } from '../../../src/config/engine/secret-files.js';
import { until } from '../../support/containers/until.js';

let directory: string;
let changes: number;
let follower: FileFollower;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sidekick-files-'));
  changes = 0;
  follower = new FileFollower(() => changes++);
});
afterEach(() => {
  follower.end();
  rmSync(directory, { recursive: true });
});

function read(...paths: string[]) {
  const files = createFileReader({});
  for (const path of paths) files.read('ca', path);
  return files.filesRead;
}

describe('FileFollower', () => {
  it('calls back when a file is written anew, and can tell whether its content is another', async () => {
    const path = join(directory, 'password');
    writeFileSync(path, 'one');
    follower.follow(read(path));
    writeFileSync(path, 'two');
    await until('the change is noticed', () => changes === 1);
    expect(follower.follow(read(path))).toBe(true);
    expect(follower.follow(read(path))).toBe(false);
  });

  it('notices files that are replaced all at once by a link, as Kubernetes does', async () => {
    const version = (name: string, content: string) => {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'password'), content);
      symlinkSync(name, join(directory, `${name}.link`));
      renameSync(join(directory, `${name}.link`), join(directory, '..data'));
    };
    version('1', 'one');
    const path = join(directory, '..data', 'password');
    follower.follow(read(path));
    version('2', 'two');
    await until('the change is noticed', () => changes === 1);
    expect(follower.follow(read(path))).toBe(true);
  });

  it('notices a file that goes and comes back', async () => {
    const path = join(directory, 'password');
    writeFileSync(path, 'one');
    follower.follow(read(path));
    rmSync(path);
    await until('its absence is noticed', () => changes === 1);
    writeFileSync(path, 'one');
    await until('its return is noticed', () => changes === 2);
    expect(follower.follow(read(path))).toBe(false);
  });
});
