// One set-up at a time: two of them would install and build the same things over each other.
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { doing } from './narrator.mjs';
import { root } from './run.mjs';

const LOCK = join(
  tmpdir(),
  `sidekick-setup-${createHash('sha256').update(root).digest('hex').slice(0, 12)}.lock`,
);

function take() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

function holder() {
  try {
    const pid = Number(readFileSync(LOCK, 'utf8'));
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return error.code === 'EPERM' ? -1 : undefined;
  }
}

/** Waits until no other set-up of this directory runs. The lock goes with the process. */
export async function takeLock() {
  let told = false;
  while (!take()) {
    const pid = holder();
    if (pid === undefined) {
      rmSync(LOCK, { force: true });
      continue;
    }
    if (!told)
      doing('set-up', `another set-up of this directory runs (process ${pid}): waiting until it ends`);
    told = true;
    await delay(200);
  }
  process.once('exit', () => rmSync(LOCK, { force: true }));
}
