// debian:trixie-slim, which every image is built from: the local one, the registry's, or one made with debootstrap.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canInstall, install } from './debian.mjs';
import { doing, done, skipped } from './narrator.mjs';
import { ask, excerpt, finished, run, SetupError, start } from './run.mjs';

const STEP = 'base image';
const PULL_TIMEOUT_MS = 60_000;

// debootstrap mounts the host's /proc and /sys in the tree and starts programs in it. In namespaces of its own, both
// end with it however it ends, and removing the tree removes nothing of the host.
const ALONE = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];

/** The name of the image of a Debian release. */
export const baseImageOf = (suite) => `debian:${suite}-slim`;

/** The image that ours are built from. */
export const BASE_IMAGE = baseImageOf('trixie');

/** The id of a local image, or undefined. */
export async function imageId(name) {
  const { ok, stdout } = await ask('docker', ['image', 'inspect', '--format', '{{.Id}}', name]);
  return ok ? stdout : undefined;
}

// What makes a Debian tree fit for images: no services at installation, no caches, translations or manuals.
const IMAGE_FILES = [
  ['usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755],
  [
    'etc/apt/apt.conf.d/image',
    'Acquire::Languages "none";\nAcquire::Retries "3";\nAPT::Keep-Downloaded-Packages "false";\nDir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
    0o644,
  ],
  [
    'etc/dpkg/dpkg.cfg.d/image',
    'force-unsafe-io\npath-exclude /usr/share/doc/*\npath-include /usr/share/doc/*/copyright\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\n',
    0o644,
  ],
];

const LEFT_OUT = [
  './usr/share/man/*',
  './usr/share/locale/*',
  './var/cache/apt/*',
  './var/lib/apt/lists/*',
  './var/log/*',
  './dev/*',
];

async function writeImageFiles(tree) {
  for (const [name, content, mode] of IMAGE_FILES) {
    const path = join(tree, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    await chmod(path, mode);
  }
}

// The name is given only when both ends of the pipe have succeeded: half a tree must never become the base.
async function importTree(tree, name) {
  const tar = start('tar', [
    '-C',
    tree,
    '--numeric-owner',
    ...LEFT_OUT.map((path) => `--exclude=${path}`),
    '-c',
    '.',
  ]);
  const load = start('docker', ['import', '--change', 'CMD ["bash"]', '-'], { stdin: 'pipe' });
  tar.stdout.pipe(load.stdin);
  load.stdin.on('error', () => {});
  let tarErrors = '';
  tar.stderr.on('data', (data) => {
    tarErrors += data;
  });
  const [tarCode, loaded] = await Promise.all([
    new Promise((resolve, reject) => tar.on('error', reject).on('close', resolve)),
    finished(load),
  ]);
  const id = loaded.stdout.trim();
  if (tarCode === 0 && loaded.code === 0) return run('docker', ['tag', id, name]);
  if (id) await ask('docker', ['rmi', id]);
  throw new SetupError('the base image could not be imported', {
    output: excerpt(tarErrors + loaded.output),
  });
}

async function makeWithDebootstrap(suite) {
  const name = baseImageOf(suite);
  if (!(await canInstall())) {
    throw new SetupError(
      `no registry answers for ${name}: load it with docker load, or run this as root on Debian`,
    );
  }
  if (!(await ask('sh', ['-c', 'command -v debootstrap'])).ok) {
    await install(['debootstrap', 'debian-archive-keyring', 'gpgv']);
  }
  doing(STEP, `no registry answers: making ${name} with debootstrap, about a minute`);
  const tree = await mkdtemp('/var/tmp/sidekick-base-');
  try {
    await run('unshare', [...ALONE, 'debootstrap', '--variant=minbase', suite, tree], {
      hint: 'the Debian mirror has to be reachable',
    });
    await writeImageFiles(tree);
    await importTree(tree, name);
  } finally {
    await rm(tree, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** Makes sure the image of a Debian release is there; by default the one that ours are built from. */
export async function ensureBaseImage(suite = 'trixie') {
  const name = baseImageOf(suite);
  if (await imageId(name)) return skipped(STEP, `${name} is there`);
  doing(STEP, `docker pull ${name}`);
  const pulled = await ask('docker', ['pull', name], { timeout: PULL_TIMEOUT_MS });
  if (!pulled.ok) await makeWithDebootstrap(suite);
  done(STEP, `${name} is there`);
}
