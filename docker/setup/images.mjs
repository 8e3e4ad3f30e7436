// The project's images. Each is built from the files it names and from nothing else, and again only when they change.
import { once } from 'node:events';
import { BASE_IMAGE, imageId } from './base-image.mjs';
import { hashOf } from './hash.mjs';
import { doing, done, skipped } from './narrator.mjs';
import { lockedPackages } from './npm.mjs';
import { ask, excerpt, finished, root, SetupError, start } from './run.mjs';

const LABEL = 'sidekick.inputs';

/** The image of which Vagrant's docker provider makes hosts; the tests ask its systemd about the units. */
export const HOST_IMAGE = { name: 'sidekick-host', context: ['docker/host/image'], only: 'test' };

/** Prometheus with the alert rules; the cluster test asks it for alerts. */
export const PROMETHEUS_IMAGE = { name: 'sidekick-prometheus', context: ['docker/prometheus'] };

/**
 * An image: its name, the files of its build context, and whether the npm packages needed at run time go with them.
 * `only` says for what alone it is needed; default for everything. `built` says that it holds the project's own code, so that
 * it has to wait for the build.
 */
export const IMAGES = [
  { name: 'sidekick-etcd', context: ['docker/etcd'] },
  { name: 'sidekick-mosquitto', context: ['docker/mosquitto'] },
  { name: 'sidekick-firmware', context: ['docker/firmware'] },
  { name: 'sidekick-exporter', context: ['docker/exporter'] },
  { name: 'sidekick-mqtt-clients', context: ['docker/mqtt-clients'] },
  PROMETHEUS_IMAGE,
  { name: 'sidekick-shells', context: ['test/integration/cli/shells'], only: 'test' },
  { name: 'sidekick-browser', context: ['test/integration/dashboard/browser'], only: 'test' },
  HOST_IMAGE,
  { name: 'sidekick-compose', context: ['test/integration/setup/compose'], only: 'test' },
  { name: 'sidekick-bench-shell', context: ['test/bench/contenders/shell'] },
  { name: 'sidekick-gateway', context: ['docker/gateway', 'dist/gateway'], built: true },
  { name: 'sidekick', context: ['docker/sidekick', 'package.json', 'dist'], packages: true, built: true },
];

function dockerfile(image) {
  return `${image.context[0]}/Dockerfile`;
}

// What the lock file does not mark as needed for development only. Nested packages come with their parents.
async function productionPackages() {
  const paths = (await lockedPackages())
    .filter(([, entry]) => !entry.dev && !entry.optional)
    .map(([path, entry]) => ({ path, id: `${path}@${entry.version}` }));
  return {
    paths: paths.map(({ path }) => path).filter((path) => path.lastIndexOf('node_modules/') === 0),
    ids: paths.map(({ id }) => id),
  };
}

async function describe(image) {
  const packages = image.packages ? await productionPackages() : { paths: [], ids: [] };
  const base = await imageId(BASE_IMAGE);
  return {
    ...image,
    files: [...image.context, ...packages.paths],
    inputs: await hashOf(image.context, [base, ...packages.ids]),
  };
}

async function isCurrent({ name, inputs }) {
  const format = `{{index .Config.Labels "${LABEL}"}}`;
  const { ok, stdout } = await ask('docker', ['image', 'inspect', '--format', format, name]);
  return ok && stdout === inputs;
}

// The engine gives the name at the end of a build, so a build that is broken off leaves the former image.
async function build(image) {
  const tar = start('tar', ['-C', root, '-c', ...image.files]);
  const docker = start(
    'docker',
    ['build', '--label', `${LABEL}=${image.inputs}`, '-t', image.name, '-f', dockerfile(image), '-'],
    { stdin: 'pipe' },
  );
  tar.stdout.pipe(docker.stdin);
  // Where docker ends early, its own message says why; the broken pipe is only the consequence.
  docker.stdin.on('error', () => {});
  tar.stderr.resume();
  const [[tarCode], result] = await Promise.all([once(tar, 'close'), finished(docker)]);
  if (tarCode === 0 && result.code === 0) return;
  throw new SetupError(`docker build of ${image.name} failed`, {
    output: excerpt(result.output),
  });
}

/** Builds one image, unless it is there and made of the same files. */
export async function ensureImage(spec) {
  const image = await describe(spec);
  const step = `image ${image.name.replace(/^sidekick-/, '')}`;
  if (await isCurrent(image)) return skipped(step, `${image.name} is up to date`);
  doing(step, `building ${image.name}`);
  const old = await imageId(image.name);
  await build(image);
  // The one it replaces would stay without a name; where a container still runs on it, the engine keeps it.
  if (old && old !== (await imageId(image.name))) await ask('docker', ['rmi', old]);
  done(step, `${image.name} is built`);
}
