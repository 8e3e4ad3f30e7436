import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { say } from '../../support/report/narrator.js';

const execute = promisify(execFile);
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A release of Debian, and whether its own Node.js is too old, so that ours comes with the package. */
const RELEASES = [
  { suite: 'trixie', ownNode: false },
  { suite: 'bookworm', ownNode: true },
];

async function packagesFor(ownNode: boolean): Promise<string[]> {
  const { version } = JSON.parse(await readFile(path('../../../package.json'), 'utf8')) as {
    version: string;
  };
  const sidekick = `sidekick_${version}_all.deb`;
  if (!ownNode) return [sidekick];
  const node = (await readdir(path('../../../build'))).find((name) => /^sidekick-node_.*\.deb$/.test(name));
  if (node === undefined) throw new Error('there is no package sidekick-node: npm run package:deb says why');
  return [sidekick, node];
}

/** Installs, removes and purges the packages on each release of Debian. Rejects where one does not do as it should. */
export async function tryPackages(): Promise<void> {
  for (const { suite, ownNode } of RELEASES) {
    const packages = (await packagesFor(ownNode)).map((name) => `/packages/${name}`);
    const { stdout } = await execute('docker', [
      ...['run', '--rm', `--volume=${path('../../../build')}:/packages:ro`],
      `--volume=${path('../install-packages.sh')}:/install-packages.sh:ro`,
      ...[`debian:${suite}-slim`, 'sh', '/install-packages.sh', ...packages],
    ]);
    say(
      `Debian's ${suite}: sidekick ${stdout.trim().split('\n').at(-1)} installs, runs, is removed and purged`,
    );
  }
}
