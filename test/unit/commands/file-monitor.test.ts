import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileMonitor } from '../../../src/commands/file-monitor.js';
import { createFileReader } from '../../../src/config/engine/secret-files.js';
import { until } from '../../support/containers/until.js';

let directory: string;
let changes: number;
let monitor: FileMonitor;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sidekick-files-'));
  changes = 0;
  monitor = new FileMonitor(() => changes++);
});
afterEach(() => {
  monitor.stop();
  rmSync(directory, { recursive: true });
});

function read(...paths: string[]) {
  const files = createFileReader({});
  for (const path of paths) files.read('ca', path);
  return files.filesRead;
}

describe('FileMonitor', () => {
  it('reports a file that is written again, and tells whether its content has changed', async () => {
    const path = join(directory, 'password');
    writeFileSync(path, 'one');
    monitor.monitor(read(path));
    writeFileSync(path, 'two');
    await until('the change is noticed', () => changes === 1);
    expect(monitor.monitor(read(path))).toBe(true);
    expect(monitor.monitor(read(path))).toBe(false);
  });

  it('reports files that a link replaces all at once, as Kubernetes does', async () => {
    const version = (name: string, content: string) => {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'password'), content);
      symlinkSync(name, join(directory, `${name}.link`));
      renameSync(join(directory, `${name}.link`), join(directory, '..data'));
    };
    version('1', 'one');
    const path = join(directory, '..data', 'password');
    monitor.monitor(read(path));
    version('2', 'two');
    await until('the change is noticed', () => changes === 1);
    expect(monitor.monitor(read(path))).toBe(true);
  });

  it('reports a file that disappears and returns', async () => {
    const path = join(directory, 'password');
    writeFileSync(path, 'one');
    monitor.monitor(read(path));
    rmSync(path);
    await until('its absence is noticed', () => changes === 1);
    writeFileSync(path, 'one');
    await until('its return is noticed', () => changes === 2);
    expect(monitor.monitor(read(path))).toBe(false);
  });
});
