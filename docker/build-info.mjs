#!/usr/bin/env node
// Writes dist/build.json: from which commit, and when, dist was built. The last step of `npm run build`.
//
// SOURCE_DATE_EPOCH (in seconds, https://reproducible-builds.org/specs/source-date-epoch/) is used in place of the present time.
// Without git, or outside a checkout, no commit is written.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, root } from './setup/run.mjs';

const BUILT_FROM = [
  'src',
  'docker/gateway',
  'docker/sidekick/bundle.mjs',
  'docker/sidekick/help-pages.mjs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

/** The commit of the checkout in `directory`, with `-dirty` if what is built has changes; undefined if there is none. */
export async function commitOf(directory, paths = BUILT_FROM) {
  const git = (...args) => ask('git', ['-C', directory, ...args]);
  const top = await git('rev-parse', '--show-prefix');
  const head = await git('rev-parse', '--verify', 'HEAD');
  // A copy without .git may lie inside another checkout: the commit of that one is not meant.
  if (!top.ok || top.stdout !== '' || !head.ok) return undefined;
  const changes = await git('status', '--porcelain', '--', ...paths);
  return changes.ok && changes.stdout === '' ? head.stdout : `${head.stdout}-dirty`;
}

/** When the build was made, as an ISO date in whole seconds. */
export function builtAt(env, now = Date.now()) {
  const epoch = /^\d+$/.test(env.SOURCE_DATE_EPOCH ?? '') ? Number(env.SOURCE_DATE_EPOCH) * 1000 : now;
  return new Date(epoch).toISOString().replace(/\.\d+Z$/, 'Z');
}

if (process.argv[1] === import.meta.filename) {
  const commit = await commitOf(root);
  const build = { ...(commit && { commit }), builtAt: builtAt(process.env) };
  await writeFile(join(root, 'dist/build.json'), `${JSON.stringify(build)}\n`);
}
