import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** An npm that notes how it is called, and finds a lock file that does not agree with package.json. */
const NPM = `#!/bin/sh
echo "$1" >>"\${0%/*}/calls"
if [ "$1" = ci ]; then echo 'npm error code EUSAGE'; exit 1; fi
`;

describe('the set-up of npm packages, when package-lock.json does not agree with package.json', () => {
  /** A clone without packages, in which npm is the one above. */
  let clone: string;

  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'sidekick-clone-'));
    cpSync(join(ROOT, 'docker/setup'), join(clone, 'docker/setup'), { recursive: true });
    cpSync(join(ROOT, 'package-lock.json'), join(clone, 'package-lock.json'));
    writeFileSync(join(clone, 'npm'), NPM);
    chmodSync(join(clone, 'npm'), 0o755);
  });

  afterEach(() => {
    rmSync(clone, { recursive: true, force: true });
  });

  function install(env: Readonly<Record<string, string>>) {
    const script = `const { ensurePackages } = await import(${JSON.stringify(join(clone, 'docker/setup/npm.mjs'))}); await ensurePackages();`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: { PATH: `${clone}:${process.env.PATH}`, ...env },
    });
    return { status, stderr, calls: readFileSync(join(clone, 'calls'), 'utf8').trim().split('\n') };
  }

  it('fails in CI', () => {
    const { status, stderr, calls } = install({ CI: 'true' });
    expect(status).toBe(1);
    expect(stderr).toContain('package-lock.json and package.json do not agree');
    expect(calls).toEqual(['ci']);
  });

  it("runs npm install on a developer's machine", () => {
    expect(install({})).toMatchObject({ status: 0, calls: ['ci', 'install'] });
  });
});

describe('package-lock.json', () => {
  interface Locked {
    version: string;
    integrity?: string;
    link?: boolean;
  }
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  const locked = Object.entries(packages).filter(([path]) => path !== '');

  it('has the digest of every package, optional ones and those of other platforms included', () => {
    expect(locked.length).toBeGreaterThan(100);
    expect(
      locked.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? '')).map(([path]) => path),
    ).toEqual([]);
  });
});
