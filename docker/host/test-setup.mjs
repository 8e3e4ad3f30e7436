#!/usr/bin/env node
// Makes ready what `npm run test:cluster` needs: npm packages, a Docker engine, the hosts' image, Vagrant, and the Debian
// packages. Fails, and says why, where this machine cannot run systemd in containers.
import { setTimeout as delay } from 'node:timers/promises';
import { buildPackages, PACKAGES } from '../packages/packages.mjs';
import { ensureBaseImage } from '../setup/base-image.mjs';
import { canInstall, install } from '../setup/debian.mjs';
import { ensureImage, HOST_IMAGE, PROMETHEUS_IMAGE } from '../setup/images.mjs';
import { takeLock } from '../setup/lock.mjs';
import { doing, done, failed, headline, skipped } from '../setup/narrator.mjs';
import { ensurePackages } from '../setup/npm.mjs';
import { ask, run, SetupError } from '../setup/run.mjs';
import { ensureHostImage } from './host-image.mjs';
import { CLUSTER } from './hosts.mjs';

const BOOT_TIMEOUT_MS = 60_000;
const PROBE = `sidekick-host-probe-${process.pid}`;

const TOOLS = { vagrant: ['vagrant', 'openssh-client'], shellcheck: ['shellcheck'] };

async function ensureTool(name) {
  const present = await ask(name, ['--version']);
  if (present.ok) return skipped(name, 'is here');
  if (!(await canInstall())) {
    throw new SetupError(
      `${name} is missing: install it (on Debian: sudo apt-get install ${name}), then run this again`,
    );
  }
  doing(name, 'installing it with apt-get');
  await install(TOOLS[name]);
  done(name, 'is here');
}

async function waitForSystemd() {
  const deadline = Date.now() + BOOT_TIMEOUT_MS;
  let state = '';
  while (Date.now() < deadline) {
    state = (await ask('docker', ['exec', PROBE, 'systemctl', 'is-system-running'])).stdout;
    if (state === 'running' || state === 'degraded') return state;
    if ((await ask('docker', ['inspect', '--format', '{{.State.Running}}', PROBE])).stdout === 'false') break;
    await delay(500);
  }
  const { output } = await ask('docker', ['logs', PROBE]);
  throw new SetupError(`systemd does not start in a container here (state: ${state || 'none'})`, {
    output,
    hint: 'the engine must allow --cap-add=SYS_ADMIN and a writable /sys/fs/cgroup; the cluster can be run nowhere else',
  });
}

async function probeSystemd() {
  doing('systemd', 'trying it in a container');
  await run('docker', ['run', '--detach', '--name', PROBE, ...CLUSTER.container, HOST_IMAGE.name], {
    hint: 'this engine does not give containers what systemd needs',
  });
  try {
    const state = await waitForSystemd();
    if (state !== 'running') {
      const { output } = await ask('docker', ['exec', PROBE, 'systemctl', '--failed', '--no-legend']);
      throw new SetupError('units fail in a container of the host image', { output });
    }
    done('systemd', 'runs in containers');
  } finally {
    await ask('docker', ['rm', '--force', '--volumes', PROBE]);
  }
}

try {
  headline('Setting up what the cluster test needs');
  await takeLock();
  await ensurePackages();
  await ensureHostImage();
  await ensureImage(PROMETHEUS_IMAGE);
  await probeSystemd();
  for (const name of Object.keys(TOOLS)) await ensureTool(name);
  await ensureBaseImage('bookworm');
  await buildPackages(PACKAGES);
} catch (error) {
  failed(error);
  process.exitCode = 1;
}
