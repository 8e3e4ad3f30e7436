import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFileReader } from '../../../../src/config/engine/secret-files.js';
import { API, complaints, fileWith, register, watch } from '../support.js';

describe('createFileReader', () => {
  it('reads a name without a slash as a systemd credential', () => {
    const path = fileWith('hunter2\nmore', 'etcd-password');
    const flags = { '--etcd-username': 'sidekick', '--etcd-password-file': 'etcd-password' };
    const { etcd } = register(flags, { CREDENTIALS_DIRECTORY: dirname(path) });
    expect(etcd.auth).toEqual({ username: 'sidekick', password: 'hunter2' });
  });

  it('reads a path as it is, with or without credentials', () => {
    const path = fileWith('hunter2');
    const flags = { '--etcd-username': 'sidekick', '--etcd-password-file': path };
    expect(register(flags, { CREDENTIALS_DIRECTORY: '/nonexistent' }).etcd.auth?.password).toBe('hunter2');
  });

  it("finds the credentials of the project's running units for an operator's command", () => {
    const path = fileWith('hunter2\n', 'elsewhere');
    const root = dirname(path);
    for (const unit of ['other.service', 'sidekick-watch.service']) {
      mkdirSync(join(root, unit));
      writeFileSync(join(root, unit, 'etcd-password'), unit);
    }
    expect(createFileReader({}, root).password('a', 'etcd-password')).toBe('sidekick-watch.service');
  });

  it('says how to name the file if there are no credentials', () => {
    const lines = complaints(() =>
      watch({ ...API, '--etcd-username': 'root', '--etcd-password-file': 'no-such-password' }),
    );
    expect(lines[0]).toMatch(
      /^etcd\.passwordFile: .*ENOENT.*a bare name is a systemd credential.*give the path/,
    );
  });
});
