import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const SETUP = fileURLToPath(new URL('../../../docker/setup.mjs', import.meta.url));
/** A module that makes the process believe that it is not root's; truly another user's, it might not read these files. */
const AS_ANYONE = 'data:text/javascript,process.getuid=()=>1000';

/** A directory for PATH with Node.js and a shell in it, and no docker. */
let bareBin: string;

beforeAll(() => {
  bareBin = mkdtempSync(join(tmpdir(), 'sidekick-bin-'));
  symlinkSync(process.execPath, join(bareBin, 'node'));
  symlinkSync('/bin/sh', join(bareBin, 'sh'));
});

afterAll(() => {
  rmSync(bareBin, { recursive: true, force: true });
});

describe('docker/setup.mjs', () => {
  it('finds everything in place after the set-up of the tests, and prints that', () => {
    const { status, stdout } = spawnSync(process.execPath, [SETUP, 'test', '--only=etcd,firmware'], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toContain('sidekick-etcd is up to date');
    expect(stdout).toContain('sidekick-firmware is up to date');
    expect(stdout).not.toContain('building');
  });

  it('prints nothing with --brief when there is nothing to do', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SETUP, '--brief', '--only=etcd'], {
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('prints in one line what to install where it may not install it', () => {
    const args = ['--import', AS_ANYONE, SETUP, '--brief', '--only=etcd'];
    const { status, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { PATH: bareBin },
    });
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('install Docker Engine');
  });

  it('prints the address where no engine answers at DOCKER_HOST', () => {
    const { status, stderr } = spawnSync(process.execPath, [SETUP, '--brief', '--only=etcd'], {
      encoding: 'utf8',
      env: { ...process.env, DOCKER_HOST: 'tcp://127.0.0.1:1' },
    });
    expect(status).toBe(1);
    expect(stderr).toContain('no Docker engine answers at DOCKER_HOST=tcp://127.0.0.1:1');
  });
});
