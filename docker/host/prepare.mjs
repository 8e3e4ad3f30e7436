#!/usr/bin/env node
// Makes what the hosts of the Vagrant cluster are set up from, in build/cluster/<host>/: the Debian packages, the
// provisioning, and the host's own keys and passwords, which are made here, once, and never leave build/.
// Vagrant runs it before each `up` and `provision`; what is there already stays.
//
//   node docker/host/prepare.mjs [--image] [--version=0.1.0]
//
// --image also builds the image for Vagrant's docker provider; --version makes the packages with another version.
import { chmod, cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildPackages } from '../packages/packages.mjs';
import { takeLock } from '../setup/lock.mjs';
import { failed, headline } from '../setup/narrator.mjs';
import { root } from '../setup/run.mjs';
import { ensureHostImage } from './host-image.mjs';
import { HOSTS } from './hosts.mjs';
import { ensureSecrets } from './secrets.mjs';

const CLUSTER = join(root, 'build/cluster');

async function copyFresh(source, target) {
  await rm(target, { recursive: true, force: true });
  await cp(source, target, { recursive: true });
}

async function stage(host, packages) {
  const directory = join(CLUSTER, host.name);
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o700);
  await copyFresh(join(root, 'docker/host/provision'), join(directory, 'provision'));
  await copyFresh(join(root, 'docker/firmware'), join(directory, 'firmware'));
  await copyFresh(join(root, 'units'), join(directory, 'units'));
  await replacePackages(join(directory, 'packages'), packages);
}

// The new packages come first, so that the directory always has some.
async function replacePackages(directory, packages) {
  await mkdir(directory, { recursive: true });
  const names = packages.map((path) => path.slice(path.lastIndexOf('/') + 1));
  for (const [i, path] of packages.entries()) await cp(path, join(directory, names[i]));
  for (const name of await readdir(directory)) {
    if (!names.includes(name)) await rm(join(directory, name));
  }
}

async function main(args) {
  headline('Preparing the hosts');
  await takeLock();
  const version = args.find((arg) => arg.startsWith('--version='))?.slice('--version='.length);
  const packages = await buildPackages(['sidekick', 'sidekick-gateway'], version);
  await mkdir(CLUSTER, { recursive: true });
  await ensureSecrets(CLUSTER, HOSTS);
  for (const host of HOSTS) await stage(host, packages);
  if (args.includes('--image')) await ensureHostImage();
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  failed(error);
  process.exitCode = 1;
}
