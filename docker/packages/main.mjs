#!/usr/bin/env node
// npm run package:deb: makes the Debian packages, in build/:
//
//   sidekick          the program, its units and example configurations; runs on the system's Node.js 20 or newer
//   sidekick-node     the Node.js that runs this script, for systems whose own is too old (Debian 12)
//   sidekick-gateway  the load balancer on open-source NGINX
//
//   node docker/packages/main.mjs [--version=0.1.0] [--only=sidekick,sidekick-gateway]
import { takeLock } from '../setup/lock.mjs';
import { failed, headline } from '../setup/narrator.mjs';
import { SetupError } from '../setup/run.mjs';
import { buildPackages, PACKAGES } from './packages.mjs';

function option(args, name) {
  const prefix = `--${name}=`;
  return args.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
}

async function main(args) {
  headline('Making the Debian packages');
  const names = option(args, 'only')?.split(',') ?? PACKAGES;
  const unknown = names.filter((name) => !PACKAGES.includes(name));
  if (unknown.length > 0) throw new SetupError(`no such package: ${unknown.join(', ')}`);
  await takeLock();
  await buildPackages(names, option(args, 'version'));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  failed(error);
  process.exitCode = 1;
}
