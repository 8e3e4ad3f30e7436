// What is in each package.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lockedPackages } from '../setup/npm.mjs';
import { ask, root, run } from '../setup/run.mjs';
import { documentFiles } from './documents.mjs';
import { generatedFiles } from './generated.mjs';

const UNITS = 'usr/lib/systemd/system';

const readText = (path) => readFile(join(root, path), 'utf8');

// The top of the tree is enough: nested packages come with their parents.
async function productionPackages() {
  const packages = (await lockedPackages()).filter(([, entry]) => !entry.dev && !entry.optional);
  return {
    paths: packages.map(([path]) => path).filter((path) => path.lastIndexOf('node_modules/') === 0),
    ids: packages.map(([path, entry]) => `${path}@${entry.version}`),
  };
}

/** What an administrator is given to read with a package, with all that it links to. */
export const DOCUMENTS = {
  sidekick: ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'docs/security.md', 'docs/upgrading.md'],
  'sidekick-gateway': ['docker/gateway/README.md', 'docs/security.md'],
};

/** The program and its units. */
export async function sidekickPackage(version) {
  const documents = await documentFiles('sidekick', DOCUMENTS.sidekick);
  const { paths, ids } = await productionPackages();
  const code = (await readdir(join(root, 'dist'))).filter((name) => name !== 'gateway');
  return {
    file: `sidekick_${version}_all.deb`,
    version,
    control: await readText('units/deb/sidekick/control'),
    scripts: 'units/deb/sidekick',
    inputs: [
      'dist',
      'package.json',
      'units',
      'docker/packages',
      'LICENSE',
      ...documents.map(([path]) => path),
    ],
    stamps: ids,
    directories: ['etc/sidekick'],
    generated: await generatedFiles(version),
    files: [
      ...code.map((name) => [`dist/${name}`, `usr/lib/sidekick/dist/${name}`]),
      ...paths.map((path) => [path, `usr/lib/sidekick/${path}`]),
      ['package.json', 'usr/lib/sidekick/package.json'],
      ['units/deb/sidekick/sidekick.sh', 'usr/bin/sidekick', 0o755],
      ['units/sidekick@.service', `${UNITS}/sidekick@.service`],
      ['units/sidekick-watch.service', `${UNITS}/sidekick-watch.service`],
      ['units/deb/examples', 'usr/share/sidekick/examples'],
      ...documents,
      ['LICENSE', 'usr/share/doc/sidekick/copyright'],
    ],
  };
}

/** Open-source NGINX as a load balancer that speaks the NGINX Plus API. */
export async function gatewayPackage(version) {
  const configuration = await filesBelow('docker/gateway/nginx');
  const documents = await documentFiles('sidekick-gateway', DOCUMENTS['sidekick-gateway']);
  return {
    file: `sidekick-gateway_${version}_all.deb`,
    version,
    control: await readText('units/deb/sidekick-gateway/control'),
    scripts: 'units/deb/sidekick-gateway',
    inputs: [
      'dist/gateway',
      'docker/gateway',
      'docker/packages',
      'units',
      ...documents.map(([path]) => path),
    ],
    conffiles: [
      ...configuration.map((name) => `/etc/sidekick-gateway/${name}`),
      '/etc/logrotate.d/sidekick-gateway',
    ],
    // Both must be there before the unit's sandbox is made.
    directories: ['var/lib/sidekick-gateway', 'var/log/sidekick-gateway'],
    files: [
      ['units/deb/sidekick-gateway/logrotate', 'etc/logrotate.d/sidekick-gateway'],
      ['dist/gateway', 'usr/share/sidekick-gateway'],
      ['docker/gateway/nginx', 'etc/sidekick-gateway'],
      ['docker/gateway/entrypoint.sh', 'usr/lib/sidekick-gateway/entrypoint', 0o755],
      ['docker/gateway/keepalive.sh', 'usr/sbin/gateway-keepalive', 0o755],
      ['docker/gateway/api-access.sh', 'usr/sbin/gateway-api-access', 0o755],
      ...['loadbalancer.service', 'loadbalancer-logrotate.service', 'loadbalancer-logrotate.timer'].map(
        (unit) => [`units/${unit}`, `${UNITS}/${unit}`],
      ),
      ...documents,
      ['LICENSE', 'usr/share/doc/sidekick-gateway/copyright'],
    ],
  };
}

async function filesBelow(directory, prefix = '') {
  const entries = await readdir(join(root, directory), { withFileTypes: true });
  const nested = await Promise.all(
    entries.map((entry) => {
      const name = `${prefix}${entry.name}`;
      return entry.isDirectory() ? filesBelow(`${directory}/${entry.name}`, `${name}/`) : [name];
    }),
  );
  return nested.flat();
}

// A build of Node.js that brings everything but the C and C++ run time runs on any system with these.
const RUN_TIME = /^(linux-vdso|ld-linux.*|lib(dl|stdc\+\+|m|gcc_s|pthread|c|atomic|rt))\.so/;

async function foreignLibraries(binary) {
  const { stdout } = await ask('ldd', [binary]);
  const names = stdout.split('\n').map((line) => line.trim().split(/\s+/)[0].replace(/^.*\//, ''));
  return names.filter((name) => name !== '' && !RUN_TIME.test(name));
}

async function nodeLicence() {
  const prefix = dirname(dirname(process.execPath));
  const places = [
    'LICENSE',
    'share/doc/nodejs/LICENSE',
    'share/doc/node/LICENSE',
    'share/doc/nodejs/copyright',
  ];
  for (const place of places) {
    const path = join(prefix, place);
    const text = await readFile(path, 'utf8').catch(() => '');
    if (/Node\.js/.test(text)) return path;
  }
  return undefined;
}

/** Node.js itself, for systems whose own is too old. */
export async function nodePackage() {
  const foreign = await foreignLibraries(process.execPath);
  if (foreign.length > 0) {
    return {
      reason: `${process.execPath} needs ${foreign[0]}; build with a Node.js from its own project instead`,
    };
  }
  const licence = await nodeLicence();
  if (!licence) return { reason: `no licence text beside ${process.execPath}` };
  const version = process.versions.node;
  const architecture = (await run('dpkg', ['--print-architecture'])).trim();
  const libc = process.report.getReport().header.glibcVersionCompiler;
  return {
    file: `sidekick-node_${version}_${architecture}.deb`,
    version,
    control: [
      'Package: sidekick-node',
      'Section: net',
      'Priority: optional',
      `Architecture: ${architecture}`,
      `Depends: libc6 (>= ${libc}), libstdc++6, libgcc-s1`,
      'Description: Node.js for sidekick',
      " For systems whose own Node.js is older than sidekick needs. Does not get in the way of the system's: it is",
      ' in /usr/lib/sidekick-node, and only sidekick uses it.',
    ].join('\n'),
    inputs: [],
    files: [
      [process.execPath, 'usr/lib/sidekick-node/node', 0o755],
      [licence, 'usr/share/doc/sidekick-node/copyright'],
    ],
  };
}
