#!/usr/bin/env node
// Prepares everything that the demonstration and the tests need, in a fresh clone too. It does nothing twice.
//
//   node docker/setup.mjs [demo|test|bench] [--brief] [--only=etcd,mosquitto,firmware,gateway,sidekick]
//
// --brief prints only what is done now, not what is there already; --only builds some of the images and what they need.
// Uses nothing but Node.js itself, since it runs before there are npm packages.
import { ensureBaseImage } from './setup/base-image.mjs';
import { ensureComposeSecrets } from './setup/compose-secrets.mjs';
import { ensureEngine } from './setup/engine.mjs';
import { ensureImage, IMAGES } from './setup/images.mjs';
import { takeLock } from './setup/lock.mjs';
import { failed, headline, skipped, speakBriefly } from './setup/narrator.mjs';
import { ensureBuild, ensurePackages } from './setup/npm.mjs';
import { abortAll } from './setup/run.mjs';

const HEADLINES = {
  demo: 'Setting up what the demonstration needs',
  test: 'Setting up what the tests need',
  bench: 'Setting up what the benchmark needs',
};

function chosenImages(args, purpose) {
  const only = args.find((arg) => arg.startsWith('--only='));
  if (!only) return IMAGES.filter((image) => image.only === undefined || image.only === purpose);
  const names = only.slice('--only='.length).split(',');
  return IMAGES.filter(({ name }) => names.includes(name.replace(/^sidekick-/, '')));
}

async function setUp(images, { needsSecrets }) {
  await takeLock();
  if (needsSecrets) await ensureComposeSecrets();
  const packages = ensurePackages();
  const code = images.some(({ built }) => built) ? packages.then(ensureBuild) : packages;
  const base = ensureEngine().then(ensureBaseImage);
  const builds = images.map(async (image) => {
    await Promise.all(image.built ? [base, code] : [base]);
    await ensureImage(image);
  });
  await Promise.all([code, base, ...builds]);
}

async function main(args) {
  if (args.includes('--brief')) speakBriefly();
  const purpose = Object.keys(HEADLINES).find((name) => name === args[0]);
  headline(HEADLINES[purpose] ?? 'Setting up');
  let signalled = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      signalled = true;
      abortAll(new Error(`stopped by ${signal}`));
    });
  }
  try {
    // The demonstration and the tests make secrets for each run, and single images need none.
    const needsSecrets = purpose === undefined && !args.some((arg) => arg.startsWith('--only='));
    await setUp(chosenImages(args, purpose), { needsSecrets });
    skipped('ready', 'everything is in place');
  } catch (error) {
    abortAll(error);
    failed(error);
    process.exitCode = signalled ? 130 : 1;
  }
}

await main(process.argv.slice(2));
