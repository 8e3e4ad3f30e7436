// The Docker engine: the one that answers; else, for root on Debian or Ubuntu, one that is installed and started.
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { canInstall, install } from './debian.mjs';
import { doing, done, skipped } from './narrator.mjs';
import { ask, excerpt, run, SetupError } from './run.mjs';

const STEP = 'Docker engine';
const LOG = '/var/log/sidekick-dockerd.log';
const PID_FILE = '/var/run/docker.pid';
const CONTAINERD_PID_FILE = '/var/run/docker/containerd/containerd.pid';
const START_TIMEOUT_MS = 90_000;

const ONE_LINE =
  'no Docker engine answers: install Docker Engine (on Debian and Ubuntu: sudo apt-get install docker.io) and start it, then run this again';

async function engineVersion() {
  const answer = await ask('docker', ['version', '--format', '{{.Server.Version}}']);
  if (/permission denied/i.test(answer.output)) {
    throw new SetupError(
      'the Docker engine refuses this user: run as root, or add the user to the group docker and log in again',
    );
  }
  return answer.ok && answer.stdout ? answer.stdout : undefined;
}

async function has(command) {
  return (await ask('sh', ['-c', `command -v ${command}`])).ok;
}

async function waitForEngine(timeoutMs, stillStarting = () => true) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const version = await engineVersion();
    if (version) return version;
    if (Date.now() > deadline || !stillStarting()) return undefined;
    await delay(250);
  }
}

async function installEngine() {
  doing(STEP, 'no engine is installed: installing docker.io with apt-get');
  await install(['docker.io']);
  // Later Debian releases package the client apart and only recommend it.
  if (!(await has('docker'))) await install(['docker-cli']);
}

function underSystemd() {
  return existsSync('/run/systemd/system');
}

function runs(pidFile, program) {
  try {
    const pid = readFileSync(pidFile, 'utf8').trim();
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program;
  } catch {
    return false;
  }
}

// An engine that was killed leaves these behind, and when another process has its number by now, the next engine waits
// for that one, or refuses to start beside it.
function removeStalePidFiles() {
  if (!runs(PID_FILE, 'dockerd')) rmSync(PID_FILE, { force: true });
  if (!runs(CONTAINERD_PID_FILE, 'containerd')) rmSync(CONTAINERD_PID_FILE, { force: true });
}

function startDaemon() {
  const log = openSync(LOG, 'a');
  // A host's own configuration chooses the storage driver, and a flag beside it is an error.
  const options = existsSync('/etc/docker/daemon.json') ? [] : ['--storage-driver', 'overlay2'];
  const daemon = spawn('dockerd', options, { detached: true, stdio: ['ignore', log, log] });
  daemon.unref();
  return daemon;
}

async function startEngine() {
  if (underSystemd()) {
    doing(STEP, 'the engine does not run: systemctl start docker');
    await run('systemctl', ['start', 'docker'], { hint: 'journalctl -u docker says why it does not start' });
    return waitForEngine(START_TIMEOUT_MS);
  }
  // The package's own start-up script may have begun to start the engine already.
  if (runs(PID_FILE, 'dockerd')) {
    const version = await waitForEngine(START_TIMEOUT_MS, () => runs(PID_FILE, 'dockerd'));
    if (version) return version;
  }
  removeStalePidFiles();
  doing(STEP, `starting dockerd in the background, where it stays (log: ${LOG})`);
  const daemon = startDaemon();
  let ended = false;
  for (const event of ['error', 'exit']) {
    daemon.once(event, () => {
      ended = true;
    });
  }
  return waitForEngine(START_TIMEOUT_MS, () => !ended);
}

/** Makes sure that an engine answers. Fails, in one line that says what to install, where it may not install one. */
export async function ensureEngine() {
  const present = await engineVersion();
  if (present) return skipped(STEP, `version ${present} answers`);
  if (process.env.DOCKER_HOST) {
    throw new SetupError(`no Docker engine answers at DOCKER_HOST=${process.env.DOCKER_HOST}`);
  }
  if (!(await canInstall())) throw new SetupError(ONE_LINE);
  if (!(await has('dockerd')) || !(await has('docker'))) await installEngine();
  const version = await startEngine();
  if (!version) {
    const output = existsSync(LOG) ? excerpt(readFileSync(LOG, 'utf8')) : '';
    throw new SetupError('the Docker engine does not start', {
      output,
      hint: 'dockerd needs root, cgroups and iptables; in a container it needs --privileged',
    });
  }
  done(STEP, `version ${version} answers`);
}
